"""Private RabbitMQ, Redis and InfluxDB: own folder, own ports, gone when we are.

Used by the tests and by scripts/demo, hence the standard library alone. Nothing here looks at,
starts or stops a server that the machine runs for itself.
"""

import base64
import contextlib
import json
import os
import pathlib
import shlex
import shutil
import socket
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request

from support.ports import free_port
from support.process import Process

START_TIMEOUT = 90

IN_ROOT = pathlib.Path(__file__).resolve().parent.parent / "debian/in-root"


class ServerError(RuntimeError):
    """A server could not be started or refused what a test asked of it."""


def _program(*candidates, package):
    for candidate in candidates:
        path = shutil.which(candidate)
        if path:
            return path
    raise ServerError(
        f"{candidates[0]} is not installed; run scripts/install-dependencies (package {package})"
    )


class Server:
    """Start, stop, kill and start again: data and ports stay until close()."""

    name = "server"

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix=f"celeriac-{self.name}-")
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    def start(self):
        """Returns when the server answers its own protocol."""
        self.process = self._launch()
        try:
            self.process.wait_until(self._ready, "an answer", START_TIMEOUT)
        except AssertionError as error:
            self.process.kill()
            raise ServerError(str(error)) from None
        return self

    def stop(self):
        """Ends it as an operator would."""
        if self.process:
            self.process.terminate(timeout=60)
            self.process = None

    def kill(self):
        """Ends it as a crash would."""
        if self.process:
            self.process.kill()
            self.process = None

    def restart(self):
        self.stop()
        return self.start()

    def close(self):
        """Ends it for good and removes its data."""
        with contextlib.suppress(AssertionError):
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def log_path(self):
        return os.path.join(self.folder, "output.log")

    def _launch(self):
        raise NotImplementedError

    def _ready(self):
        raise NotImplementedError

    def _path(self, *parts):
        return os.path.join(self.folder, *parts)

    def _write(self, name, text):
        path = self._path(name)
        with open(path, "w") as file:
            file.write(text)
        return path


_RABBITMQ = "/usr/lib/rabbitmq/bin"

# Deprecated in 4.0 and off by default in 4.3, where clients have to do without.
_REFUSED_BY_4_3 = (
    "deprecated_features.permit.transient_nonexcl_queues = false\n"
    "deprecated_features.permit.global_qos = false\n"
)


class RabbitMQ(Server):
    """One node with an epmd of its own. User and password: `celeriac`.

    The programs are this machine's, or those of the root (tests/debian/make-root) that
    CELERIAC_RABBITMQ_ROOT names. The management API is there for the tests (virtual hosts, closing
    connections) but collects no statistics, so that it costs nothing while messages flow.
    """

    name = "rabbitmq"
    user = password = "celeriac"

    def __init__(self, config=""):
        super().__init__()
        self._root = os.environ.get("CELERIAC_RABBITMQ_ROOT")
        self.version = self._installed_version()
        self.port = free_port()
        self.management_port = free_port()
        self._dist_port = free_port()
        self._epmd_port = free_port()
        self._epmd = None
        self._node = f"celeriac{self.port}@localhost"
        self._config = self._write(
            "rabbitmq.conf",
            f"listeners.tcp.default = 127.0.0.1:{self.port}\n"
            f"management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = {self.management_port}\n"
            "management_agent.disable_metrics_collector = true\n"
            f"default_user = {self.user}\ndefault_pass = {self.password}\n"
            "log.file = false\nlog.console = true\nlog.console.level = warning\n"
            "vm_memory_high_watermark.absolute = 1GB\ndisk_free_limit.absolute = 10MB\n"
            + (_REFUSED_BY_4_3 if self.version >= (4, 0) else "")
            + config,
        )
        self._plugins = self._write("enabled_plugins", "[rabbitmq_management].\n")

    def _installed_version(self):
        """(4, 0, 5), say: the folder of the server's own files is named after it."""
        library = pathlib.Path(self._root or "/", "usr/lib/rabbitmq/lib")
        for folder in library.glob("rabbitmq_server-*"):
            return tuple(int(part) for part in folder.name.partition("-")[2].split("."))
        raise ServerError(
            f"RabbitMQ is not installed in {library}; run scripts/install-dependencies"
            " (package rabbitmq-server)"
        )

    def url(self, vhost="/"):
        return (
            f"amqp://{self.user}:{self.password}@127.0.0.1:{self.port}/"
            f"{urllib.parse.quote(vhost, safe='')}"
        )

    @property
    def management_url(self):
        return f"http://{self.user}:{self.password}@127.0.0.1:{self.management_port}/api/"

    def close(self):
        super().close()
        if self._epmd:
            self._epmd.kill()

    def api(self, method, path, body=None):
        """One call of the management API; the decoded answer, or None where it has no body."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.management_port}/api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
        )
        login = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        request.add_header("Authorization", f"Basic {login}")
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                data = answer.read()
        except urllib.error.HTTPError as error:
            raise ServerError(f"{method} {path}: {error.code} {error.read().decode()}") from None
        return json.loads(data) if data else None

    def create_vhost(self, name):
        """A new virtual host that our user may do anything in; returns its URL."""
        self.api("PUT", f"vhosts/{name}", {})
        return self.url(name)

    def delete_vhost(self, name):
        self.api("DELETE", f"vhosts/{name}")

    def queue(self, vhost, name):
        """What the broker knows of a queue. Counts may lag by a moment."""
        return self.api("GET", f"queues/{urllib.parse.quote(vhost, safe='')}/{name}")

    def queues(self, vhost):
        """The names of all queues of a virtual host."""
        listed = self.api("GET", f"queues/{urllib.parse.quote(vhost, safe='')}?disable_stats=true")
        return [found["name"] for found in listed]

    def message_count(self, vhost, queue):
        """Messages of a queue, those delivered but not acknowledged included.

        None where there is no such queue; RabbitMQ 4 lists it a moment after a restart.
        """
        path = f"queues/{urllib.parse.quote(vhost, safe='')}"
        listed = self.api("GET", path + "?disable_stats=true&enable_queue_totals=true")
        return next((found["messages"] for found in listed if found["name"] == queue), None)

    def connections(self, vhost):
        """The names of the open AMQP connections of a virtual host."""
        listed = self.ctl("list_connections", "--quiet", "--no-table-headers", "name", "vhost")
        rows = [line.split("\t") for line in listed.splitlines() if line]
        return [name for name, of in rows if of == vhost]

    def close_connections(self, vhost, reason="test"):
        """Closes all connections of a virtual host from the broker's side."""
        self.ctl("close_all_connections", "--vhost", vhost, "--quiet", reason)

    def ctl(self, *arguments):
        """Runs rabbitmqctl against this node; its output. Costs about a second of CPU."""
        done = subprocess.run(
            self._command(f"{_RABBITMQ}/rabbitmqctl", "-n", self._node, *arguments),
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if done.returncode:
            raise ServerError(f"rabbitmqctl {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def ctl_script(self):
        """A shell script that is `rabbitmqctl` of this node."""
        variables = [f"{name}={value}" for name, value in self._environment().items()]
        command = self._command(f"{_RABBITMQ}/rabbitmqctl", "-n", self._node)
        return f'#!/bin/sh\nexec env {shlex.join(map(str, [*variables, *command]))} "$@"\n'

    def _environment(self):
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": self.folder,  # the Erlang cookie
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": self._config,
            "RABBITMQ_ENABLED_PLUGINS_FILE": self._plugins,
            "RABBITMQ_GENERATED_CONFIG_DIR": self._path("config"),
            "RABBITMQ_MNESIA_BASE": self._path("mnesia"),
            "RABBITMQ_LOG_BASE": self._path("log"),
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RUNNING_UNDER_SYSTEMD": "true",  # the script becomes the server: one pid, plain TERM
            # No busy waiting and no table for a million descriptors.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none "
            "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_MAX_PORTS": "8192",
        }

    def _launch(self):
        if self._epmd is None:
            self._epmd = Process(
                "epmd",
                self._command("/usr/bin/epmd", "-address", "127.0.0.1", "-port", self._epmd_port),
                self._path("epmd.log"),
            )
        server = self._command(f"{_RABBITMQ}/rabbitmq-server")
        return Process("RabbitMQ", server, self.log_path, env=self._environment())

    def _command(self, *command):
        if not self._root:
            return command
        # Its configuration and data, and the certificates of a test, have the same path there.
        return (IN_ROOT, "--bind", tempfile.gettempdir(), self._root, *command)

    def _ready(self):
        # The listener opens last. Connection.Start is the broker's answer to our protocol header.
        with contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                return connection.recv(1) == b"\x01"
        return False


class Redis(Server):
    """A Redis with append-only data, so that a restart loses nothing."""

    name = "redis"

    def __init__(self):
        super().__init__()
        self.port = free_port()

    def url(self, database=0):
        return f"redis://127.0.0.1:{self.port}/{database}"

    def command(self, *words, database=0):
        """Sends one command; for set-up, not for speed. Errors are raised."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            stream = connection.makefile("rwb")
            for parts in (("SELECT", database), words):
                encoded = [str(part).encode() for part in parts]
                stream.write(b"*%d\r\n" % len(encoded))
                for part in encoded:
                    stream.write(b"$%d\r\n%s\r\n" % (len(part), part))
                stream.flush()
                reply = _read_resp(stream)
            return reply

    def _launch(self):
        return Process(
            "Redis",
            [
                _program("redis-server", package="redis-server"),
                *("--bind", "127.0.0.1", "--port", self.port, "--dir", self.folder),
                *("--appendonly", "yes", "--appendfsync", "always", "--save", ""),
                *("--databases", "64"),
            ],
            self.log_path,
        )

    def _ready(self):
        with contextlib.suppress(OSError, ServerError):
            return self.command("PING") == "PONG"
        return False


def _read_resp(stream):
    line = stream.readline()
    if not line:
        raise ServerError("Redis closed the connection")
    kind, rest = line[:1], line[1:-2].decode()
    if kind == b"+":
        return rest
    if kind == b":":
        return int(rest)
    if kind == b"$":
        return None if rest == "-1" else stream.read(int(rest) + 2)[:-2].decode()
    if kind == b"*":
        return [_read_resp(stream) for _ in range(int(rest))]
    raise ServerError(f"Redis: {rest}")


class InfluxDB(Server):
    """InfluxDB 1.x, without authentication."""

    name = "influxdb"

    def __init__(self):
        super().__init__()
        self.port = free_port()
        self._backup_port = free_port()
        self._config = self._write(
            "influxdb.conf",
            "reporting-enabled = false\n"
            f'bind-address = "127.0.0.1:{self._backup_port}"\n'
            f'[meta]\ndir = "{self._path("meta")}"\n'
            f'[data]\ndir = "{self._path("data")}"\nwal-dir = "{self._path("wal")}"\n'
            "query-log-enabled = false\n"
            f'[http]\nbind-address = "127.0.0.1:{self.port}"\nlog-enabled = false\n'
            '[logging]\nlevel = "warn"\n'
            "[monitor]\nstore-enabled = false\n",
        )

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def query(self, statement, database=""):
        """Runs one InfluxQL statement; its result object. Errors are raised."""
        form = urllib.parse.urlencode({"q": statement, "db": database}).encode()
        try:
            with urllib.request.urlopen(f"{self.url}/query", form, timeout=30) as answer:
                result = json.loads(answer.read())["results"][0]
        except urllib.error.HTTPError as error:
            raise ServerError(f"{statement}: {error.read().decode()}") from None
        if "error" in result:
            raise ServerError(f"{statement}: {result['error']}")
        return result

    def create_database(self, name):
        self.query(f'CREATE DATABASE "{name}"')

    def drop_database(self, name):
        self.query(f'DROP DATABASE "{name}"')

    def write(self, database, *lines):
        """Stores points given in line protocol; without a time they are as of now."""
        url = f"{self.url}/write?{urllib.parse.urlencode({'db': database})}"
        try:
            urllib.request.urlopen(url, "\n".join(lines).encode(), timeout=30).close()
        except urllib.error.HTTPError as error:
            raise ServerError(f"write to {database}: {error.read().decode()}") from None

    def _launch(self):
        program = _program("influxd", package="influxdb")
        return Process("InfluxDB", [program, "run", "-config", self._config], self.log_path)

    def _ready(self):
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(f"{self.url}/ping", timeout=5) as answer:
                return answer.status == 204
        return False
