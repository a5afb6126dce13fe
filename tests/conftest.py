"""Fixtures for every test that needs real servers or the real worker.

Servers start once a session; a test is kept apart from the others by a virtual host, a Redis
database and an InfluxDB database of its own.
"""

import contextlib
import itertools
import json
import sys
import time
import uuid

import celery
import celery.exceptions
import celery.result
import pytest

from support.celeriac import Worker, environment
from support.fake_channels import FakeChannels
from support.process import Process
from support.servers import InfluxDB, RabbitMQ, Redis

# With an older Celery as the client (`scripts/test interop52`).
collect_ignore = []
if celery.VERSION < (5, 3):
    collect_ignore.append("interop/test_stamping.py")  # it has no stamps
    collect_ignore.append("interop/test_delayed_delivery.py")  # nor native delayed delivery
    # Flower brings a newer Celery of its own.
    collect_ignore += ["interop/test_flower.py", "interop/test_flower_pages.py"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Marks what a Celery client takes part in, and leaves out what the installed one cannot do:
    `@pytest.mark.needs_celery("5.3", "typed JSON")`. What is marked so starts first."""
    kept, left_out, reasons = [], [], []
    for item in items:
        if "app" in item.fixturenames:
            item.add_marker("client")
        marks = list(item.iter_markers("needs_celery"))
        lacking = [mark.args for mark in marks if version(mark.args[0]) > celery.VERSION]
        if lacking:
            since, reason = lacking[0]
            left_out.append(item)
            reasons.append(f"{item.nodeid} (since {since}: {reason})")
        else:
            kept.append(item)
    items[:] = sorted(kept, key=lambda item: item.get_closest_marker("starts_first") is None)
    config.hook.pytest_deselected(items=left_out)
    config.stash[LEFT_OUT] = reasons


def version(text):
    return tuple(int(part) for part in text.split("."))


LEFT_OUT = pytest.StashKey()


def pytest_sessionfinish(session):
    config = session.config
    if hasattr(config, "workeroutput"):  # one of several processes: the first one tells it
        config.workeroutput["left_out"] = config.stash[LEFT_OUT]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Each process has collected the same."""
    node.config.stash[LEFT_OUT] = getattr(node, "workeroutput", {}).get("left_out", [])


def pytest_terminal_summary(terminalreporter, config):
    for test in config.stash.get(LEFT_OUT, []):
        terminalreporter.line(f"left out with Celery {celery.__version__}: {test}")


@pytest.fixture(scope="session")
def rabbitmq():
    with RabbitMQ() as server:
        yield server


@pytest.fixture(scope="session")
def redis_server():
    with Redis() as server:
        yield server


@pytest.fixture(scope="session")
def influxdb():
    with InfluxDB() as server:
        yield server


@pytest.fixture
def vhost(rabbitmq):
    """The name of a virtual host that only this test uses."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    rabbitmq.create_vhost(name)
    yield name
    rabbitmq.delete_vhost(name)


@pytest.fixture
def broker_url(rabbitmq, vhost):
    return rabbitmq.url(vhost)


_databases = itertools.cycle(range(1, 64))


@pytest.fixture
def redis_url(redis_server):
    """An empty Redis database. Databases are reused after 63 tests, so it is emptied first."""
    database = next(_databases)
    redis_server.command("FLUSHDB", database=database)
    return redis_server.url(database)


@pytest.fixture
def influx_database(influxdb):
    """The name of an empty InfluxDB database."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    influxdb.create_database(name)
    yield name
    influxdb.drop_database(name)


@pytest.fixture
def channels():
    """A receiver that plays Lark, Slack and a plain webhook; see support/fake_channels.py."""
    with FakeChannels() as receiver:
        yield receiver


class AskingResult(celery.result.AsyncResult):
    """Celery's client may miss a result that is stored at the moment in which it begins to listen
    (5.2 often, 5.7 once in thousands), or while it listens again after Redis was away. This one
    looks again every second; that results are published, too, has a test of its own."""

    def get(self, timeout=None, **options):
        if timeout is None:
            return super().get(**options)
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 1:
            with contextlib.suppress(celery.exceptions.TimeoutError):
                return super().get(timeout=1, **options)
        return super().get(timeout=max(left, 0.1), **options)


@pytest.fixture
def app(broker_url, redis_url):
    """A stock Celery client of this test's broker and result backend."""
    client = celery.Celery(
        f"interop-{uuid.uuid4().hex[:6]}",
        broker=broker_url,
        backend=redis_url,
        set_as_current=False,
    )
    client.conf.update(
        broker_connection_retry_on_startup=True,
        result_extended=True,
        redis_socket_timeout=None,
        task_publish_retry=False,
    )
    client.AsyncResult = client.subclass_with_self(AskingResult, name="AsyncResult")
    yield client
    client.close()


@pytest.fixture
def celeriac(request, broker_url, redis_url, tmp_path):
    """Starts workers: `worker = celeriac("-c", 4, config={...}, env={...})`.

    The broker and the backend of the test are given unless the arguments name others. Returns
    once the worker is ready; `ready=None` does not wait. `config` is text or a mapping, written to
    a file for --config. At the end of the test each worker must stop cleanly.
    """
    started = []

    def start(*arguments, config=None, env=None, ready="wait"):
        arguments = ["worker", *map(str, arguments)]
        if not {"-b", "--broker"} & set(arguments):
            arguments += ["-b", broker_url]
        if "--result-backend" not in arguments:
            arguments += ["--result-backend", redis_url]
        if config is not None:
            path = tmp_path / f"celeriac-{len(started)}.yaml"
            # JSON is YAML.
            path.write_text(config if isinstance(config, str) else json.dumps(config, indent=1))
            arguments += ["--config", path]
        log_path = tmp_path / f"celeriac-{len(started)}.log"
        worker = Worker(arguments, log_path, environment(env or {}))
        started.append(worker)
        if ready == "wait":
            worker.wait_ready()
        return worker

    request.node.celeriac_workers = started
    yield start
    for worker in started:
        if worker.running:
            worker.stop()
        else:
            worker.check(worker.returncode)


@pytest.fixture
def python_worker(request, broker_url, redis_url, tmp_path):
    """Starts Celery's own workers: `worker = python_worker("fleet_tasks", folder, "-c", 4)`.

    With the app of a module in `folder`, and the broker and the backend of the test. Returns once
    the worker is ready.
    """
    started = []

    def start(module, folder, *arguments):
        command = [sys.executable, "-m", "celery", "-A", module, "-b", broker_url]
        command += ["--result-backend", redis_url, "worker", "-l", "INFO", *map(str, arguments)]
        log_path = tmp_path / f"python-worker-{len(started)}.log"
        worker = Process("a Python worker", command, log_path, cwd=folder)
        started.append(worker)
        worker.wait_for_log(r"\bready\.", 60)
        return worker

    request.node.python_workers = started
    yield start
    for worker in started:
        worker.terminate(60)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Shows the workers' logs with a failed test."""
    report = yield
    if report.failed:
        for worker in getattr(item, "celeriac_workers", []):
            title = f"log of celeriac {' '.join(worker.arguments)}"
            report.sections.append((title, worker.tail(200)))
        for worker in getattr(item, "python_workers", []):
            report.sections.append(("log of a Python worker", worker.tail(200)))
    return report
