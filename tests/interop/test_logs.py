"""What the worker writes, where, and in which form."""

import collections
import json
import re
import socket
import subprocess
import sys
import threading
import urllib.request

import pytest

from support.celeriac import CELERIAC, ROOT
from support.documents import LOGROTATE, LOGSTASH_INPUT, blocks_of
from support.ports import free_port

MODULE = CELERIAC.parent / "modules/remote_tasks.so"
ARGUMENTS = ("-A", MODULE, "-n", "w1@test", "-c", 2)
LINE = re.compile(
    r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}: "
    r"(?P<level>[A-Z]+)/(?P<process>\w+(?:-\d+)?)\] (?P<text>.*)"
)


def lines_of(worker, text):
    """(level, process, text) of the lines that have this in them."""
    found = (LINE.fullmatch(line) for line in worker.log.splitlines() if text in line)
    return [match.group("level", "process", "text") for match in found if match]


def test_a_tasks_lines_are_celerys_and_each_is_there_once(celeriac, app):
    worker = celeriac(*ARGUMENTS, "-l", "INFO")
    done = app.send_task("remote.add", [2, 3])
    done.get(timeout=30)
    worker.wait_for_log(rf"{done.id}\] succeeded")
    received, succeeded = lines_of(worker, done.id)
    assert received == ("INFO", "MainProcess", f"Task remote.add[{done.id}] received")
    assert succeeded[:2] == ("INFO", "MainProcess")
    assert re.fullmatch(rf"Task remote\.add\[{done.id}\] succeeded in [\d.e-]+s: 5", succeeded[2])
    failed = app.send_task("remote.fail", ["boom"])
    with pytest.raises(ValueError, match="boom"):
        failed.get(timeout=30)
    worker.wait_for_log(rf"{failed.id}\] raised")
    _, raised = lines_of(worker, failed.id)
    assert raised == (
        "ERROR",
        "MainProcess",
        f"Task remote.fail[{failed.id}] raised unexpected: ValueError('boom')",
    )
    assert worker.log.count("w1@test ready.") == 1
    assert worker.log.count("Connected to amqp://") == 1


def test_the_log_begins_behind_the_banner(celeriac):
    worker = celeriac(*ARGUMENTS, "-l", "INFO", "--http", "127.0.0.1:0")
    banner, _, log = worker.log.partition("[tasks]")
    assert "INFO" not in banner
    first, second = re.findall(r"INFO/MainProcess\] (.*)", log)[:2]
    assert re.fullmatch(r"metrics and health on port \d+", first)
    assert second.startswith("Connected to amqp://")


def test_a_redis_that_takes_no_results_is_told_at_the_start(celeriac, redis_server):
    closed = free_port()
    address = f"redis://127.0.0.1:{closed}/0"
    worker = celeriac(*ARGUMENTS, "-l", "INFO", "--result-backend", address)
    worker.wait_for_log(
        rf"WARNING/MainProcess\] cannot connect to Redis at {address}: Connection refused"
    )
    worker.stop()
    wrong = f"redis://:secret@127.0.0.1:{redis_server.port}/0"
    worker = celeriac(*ARGUMENTS, "-l", "INFO", "--result-backend", wrong)
    worker.wait_for_log(
        rf"ERROR/MainProcess\] Results cannot be stored in redis://:\*\*@127\.0\.0\.1:"
        rf"{redis_server.port}/0: .*password"
    )


@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_each_line_of_a_task_has_its_name_and_id(celeriac, app, pool):
    worker = celeriac(*ARGUMENTS, "-l", "INFO", "-P", pool)
    talks = [app.send_task("remote.say", [f"talk {n}"]) for n in range(5)]
    talks += [app.send_task("remote.say_in_pool", [f"speech {n}"]) for n in range(5)]
    for talk in talks:
        talk.get(timeout=60)
    for n, talk in enumerate(talks[:5]):
        told = [line for line in lines_of(worker, f"talk {n} ") if "received" not in line[2]]
        assert told == [
            ("INFO", "MainProcess", f"remote.say[{talk.id}]: talk {n} begins"),
            ("WARNING", "MainProcess", f"remote.say[{talk.id}]: talk {n} ends"),
        ]
    for n, talk in enumerate(talks[5:]):
        (told,) = lines_of(worker, f"]: speech {n}")
        assert told[0] == "INFO"
        assert told[2] == f"remote.say_in_pool[{talk.id}]: speech {n}"


@pytest.mark.parametrize(
    ("fields", "names", "task"),
    [
        (
            "ecs",
            {"@timestamp", "log.level", "message", "ecs.version", "log.logger", "process.pid"},
            ("labels.task_id", "labels.task_name"),
        ),
        (
            "logstash_v1",
            {"@timestamp", "@version", "message", "level", "logger_name", "host", "process"},
            ("task_id", "task_name"),
        ),
    ],
)
def test_json_lines(celeriac, app, tmp_path, fields, names, task):
    log = tmp_path / "w1.json"
    worker = celeriac(
        *(*ARGUMENTS, "-l", "INFO", "-f", log, "--log-format", "json", "--log-fields", fields),
        ready=None,
    )
    worker.wait_until(lambda: log.exists() and "ready." in log.read_text(), "ready")
    said = app.send_task("remote.say", ['two\nlines "and" quotes'])
    worker.wait_until(lambda: f"[{said.id}] succeeded" in log.read_text(), "its last line")
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    assert all(names <= entry.keys() for entry in entries)
    ours = [entry for entry in entries if entry.get(task[0]) == said.id]
    assert {entry[task[1]] for entry in ours} == {"remote.say"}
    # Received, two of its own, succeeded.
    assert len(ours) == 4
    assert ours[1]["message"] == 'two\nlines "and" quotes begins'


@pytest.mark.parametrize(
    ("level", "seen"),
    [
        ("debug", {"DEBUG", "INFO", "WARNING"}),
        ("INFO", {"INFO", "WARNING"}),
        ("Warning", {"WARNING"}),
        ("ERROR", set()),
        ("FATAL", set()),
    ],
)
def test_levels_are_celerys(celeriac, app, tmp_path, level, seen):
    log = tmp_path / "w1.log"
    worker = celeriac(*ARGUMENTS, "-l", level, "-f", log, ready=None)
    app.send_task("remote.say", ["hello"]).get(timeout=60)
    levels = {
        match["level"] for match in map(LINE.fullmatch, log.read_text().splitlines()) if match
    }
    assert levels == seen
    worker.stop()


def documented(language):
    """The block in this language that docs/operations.md has."""
    blocks = blocks_of(ROOT / "docs/operations.md")
    (found,) = (block.text for block in blocks if block.language == language)
    return found


def test_the_file_is_rotated_as_the_page_says(celeriac, app, tmp_path):
    logs = tmp_path / "logs"
    logs.mkdir(mode=0o755)
    worker = celeriac(*ARGUMENTS, "-l", "INFO", "-f", logs / "%n.log", ready=None)
    log, rotated = logs / "w1.log", logs / "w1.log.1"
    worker.wait_until(lambda: log.exists() and "ready." in log.read_text(), "ready")
    before = app.send_task("remote.say", ["before"])
    worker.wait_until(lambda: f"{before.id}] succeeded" in log.read_text(), "its last line")
    rules = tmp_path / "logrotate.conf"
    rules.write_text(
        documented("logrotate")
        .replace("/var/log/celeriac", str(logs))
        # What the unit's ExecReload does.
        .replace("systemctl reload 'celeriac@*'", f"kill -HUP {worker.pid}")
    )
    rules.chmod(0o644)
    rotate = [LOGROTATE, "--force", "--state", tmp_path / "state", rules]
    subprocess.run(rotate, check=True, timeout=60)
    worker.wait_until(log.exists, "a new file")
    after = app.send_task("remote.say", ["after"])
    worker.wait_until(lambda: f"{after.id}] succeeded" in log.read_text(), "its last line")
    assert before.id in rotated.read_text()
    assert after.id not in rotated.read_text()
    assert before.id not in log.read_text()


class Logstash:
    """The `tcp` input of docs/operations.md, which may stop reading."""

    def __init__(self, port=0):
        self.lines = collections.deque()
        self.reading = threading.Event()
        self.reading.set()
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, connection.makefile() as file:
                while self.reading.wait() and (line := file.readline()):
                    self.lines.append(json.loads(line))

    def close(self):
        self._listener.close()


@pytest.fixture
def logstash():
    server = Logstash()
    yield server
    server.close()


def test_logstash_gets_every_line(celeriac, app, logstash):
    assert LOGSTASH_INPUT.fullmatch(documented("logstash"))["codec"] == "json_lines"
    worker = celeriac(*(*ARGUMENTS, "-l", "INFO", "--log-logstash", f"127.0.0.1:{logstash.port}"))
    said = app.send_task("remote.say", ["hello"])
    said.get(timeout=30)
    worker.wait_until(
        lambda: sum(line.get("labels.task_id") == said.id for line in list(logstash.lines)) == 4,
        "four lines of the task at Logstash",
    )
    assert "hello begins" in worker.log


def test_lines_wait_for_a_logstash_that_comes_late(celeriac, app):
    port = free_port()
    worker = celeriac(*ARGUMENTS, "-l", "INFO", "--log-logstash", f"127.0.0.1:{port}")
    said = app.send_task("remote.say", ["hello"])
    said.get(timeout=30)
    late = Logstash(port)
    worker.wait_until(
        lambda: (
            [line["message"] for line in list(late.lines) if "hello" in line["message"]]
            == ["hello begins", "hello ends"]
        ),
        "the lines from before",
        120,
    )
    late.close()


def test_a_logstash_that_does_not_read_stops_no_task_and_drops_are_counted(celeriac, app, logstash):
    logstash.reading.clear()
    port = free_port()
    worker = celeriac(
        *(*ARGUMENTS, "-l", "INFO", "--log-logstash", f"127.0.0.1:{logstash.port}"),
        *("--http", f"127.0.0.1:{port}"),
        config={"worker": {"worker_log_logstash_buffer": 10}},
    )

    def dropped():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as reply:
            text = reply.read().decode()
        return float(re.search(r"^celeriac_log_dropped_total (\S+)$", text, re.MULTILINE)[1])

    long = "x" * 100_000
    said = 0
    while not dropped():
        app.send_task("remote.say", [long]).get(timeout=30)
        said += 1
        assert said < 500, "the sockets cannot hold that much"
    logstash.reading.set()
    worker.stop()


def celery(app, *arguments):
    """One run of the command line of Celery, as an operator types it."""
    return subprocess.Popen(
        [sys.executable, "-m", "celery", "-b", app.conf.broker_url, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_celery_status_and_inspect_list_the_worker(celeriac, app):
    celeriac(*ARGUMENTS, "-l", "INFO")
    output, _ = celery(app, "status", "-t", "10").communicate(timeout=90)
    assert "w1@test: OK" in output
    assert "1 node online." in output
    output, _ = celery(app, "inspect", "registered", "-t", "10").communicate(timeout=90)
    assert "* remote.limited [rate_limit=2/s]" in output
    output, _ = celery(app, "control", "-t", "10", "rate_limit", "remote.add", "5/m").communicate(
        timeout=90
    )
    assert "new rate limit set successfully" in output


def test_celery_events_dump_shows_a_task(celeriac, app):
    celeriac(*ARGUMENTS, "-l", "INFO", "-E")
    dump = celery(app, "events", "--dump")
    lines = iter(dump.stdout.readline, "")
    try:
        next(line for line in lines if "worker-heartbeat" in line or "heartbeat" in line)
        result = app.send_task("remote.add", [2, 3])
        told = [next(line for line in lines if result.id in line) for _ in range(3)]
    finally:
        dump.kill()
        dump.communicate()
    assert ["received" in told[0], "started" in told[1], "succeeded" in told[2]] == [True] * 3
    assert "remote.add" in told[0]
