"""What a worker does with messages it cannot run, and how it ends."""

import contextlib
import functools
import gzip
import json
import re
import signal
import subprocess
import sys

import celery
import kombu
import kombu.pools
import pytest
from celery.exceptions import NotRegistered
from celery.result import AsyncResult

from support.celeriac import CELERIAC
from support.servers import RabbitMQ

MODULE = CELERIAC.parent / "tests/interop/task_module/interop_tasks.so"
TIMEOUT = 60

JSON = "application/json"
HEADERS = {"lang": "py", "task": "interop.add", "id": "T-bad"}
NO_SUCH = {**HEADERS, "task": "no.such"}
NO_STAMP = {**HEADERS, "stamped_headers": ["team"], "stamps": {}}
GZIPPED = {**HEADERS, "compression": "application/x-gzip"}
BODY = [[1, 2], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]


@pytest.fixture
def publish(app):
    """Publishes a raw message to the default queue."""

    def publish(body, headers=None, content_type=JSON, **properties):
        with app.connection_for_write() as connection:
            producer = kombu.Producer(connection)
            producer.publish(
                body if isinstance(body, (bytes, str)) else json.dumps(body),
                routing_key="celery",
                exchange="",
                headers=headers or {},
                content_type=content_type,
                content_encoding="utf-8",
                **properties,
            )

    return publish


@pytest.fixture
def worker(celeriac):
    return celeriac("-l", "info", "-A", MODULE, "-c", 4)


def marks_in(path):
    return path.read_text().splitlines() if path.exists() else []


def assert_still_works(worker, app, rabbitmq, vhost):
    assert app.send_task("interop.add", [1, 2]).get(timeout=TIMEOUT) == 3
    worker.wait_until(lambda: rabbitmq.message_count(vhost, "celery") == 0, "empty queue")


UNKNOWN = "Received and deleted unknown message.  Wrong destination?!?"
UNDECODABLE = "Can't decode message body: "
INVALID = "Received invalid task message: "
UNREGISTERED = "Received unregistered task of type "
PICKLE = "application/x-python-serialize"
REFUSED_PICKLE = INVALID + "Refusing to deserialize untrusted content of type pickle"
V1_UNREGISTERED = {"task": "no.such", "id": "T-bad", "args": [], "kwargs": {}}
DEEP = functools.reduce(lambda inner, _: {"x": inner}, range(100), {})
BOMB = gzip.compress(b" " * 100_000_000)

# Body, headers, content type; the log's level and first words, the id it names.
BAD_MESSAGES = {
    "unknown": ({}, {}, JSON, "WARNING", UNKNOWN, "?"),
    "no task header": (BODY, {"id": "T-bad"}, JSON, "WARNING", UNKNOWN, "T-bad"),
    "undecodable": ("{", HEADERS, JSON, "CRITICAL", UNDECODABLE + "not JSON", "T-bad"),
    "v1 undecodable": ("{", {}, JSON, "CRITICAL", UNDECODABLE + "not JSON", "?"),
    "not UTF-8": (b'[["\xff"],{},{}]', HEADERS, JSON, "CRITICAL", UNDECODABLE, "T-bad"),
    "nul": ("\0", HEADERS, JSON, "CRITICAL", UNDECODABLE, "T-bad"),
    "deep": ("[" * 100000, HEADERS, JSON, "CRITICAL", UNDECODABLE, "T-bad"),
    "large": ("x" * 3_000_000, HEADERS, JSON, "CRITICAL", UNDECODABLE, "T-bad"),
    "not compressed": (b"abc", GZIPPED, JSON, "CRITICAL", UNDECODABLE, "T-bad"),
    "bomb": (BOMB, GZIPPED, JSON, "CRITICAL", UNDECODABLE, "T-bad"),
    "pickle": (b"\x80\x04.", HEADERS, PICKLE, "ERROR", REFUSED_PICKLE, "T-bad"),
    "xml": ("<a/>", HEADERS, "text/xml", "ERROR", INVALID + "Refusing to deserialize", "T-bad"),
    "no content type": (b"\x00\xff", HEADERS, "", "ERROR", INVALID, "T-bad"),
    "two parts": ([[1], {}], HEADERS, JSON, "ERROR", INVALID + "the body must be", "T-bad"),
    "no id": (BODY, {"task": "interop.add"}, JSON, "ERROR", INVALID + "the message has no", "?"),
    "id is a number": (BODY, {**HEADERS, "id": 12}, JSON, "ERROR", INVALID + "'id' must", "12"),
    "four parts": ([[1], {}, {}, {}], HEADERS, JSON, "ERROR", INVALID + "the body must", "T-bad"),
    "no parts": ([], HEADERS, JSON, "ERROR", INVALID + "the body must be", "T-bad"),
    "no body": (b"", HEADERS, JSON, "ERROR", INVALID + "the body is empty", "T-bad"),
    "no such stamp": (BODY, NO_STAMP, JSON, "ERROR", INVALID + "'stamped_headers' names", "T-bad"),
    "deep headers": (BODY, {**HEADERS, "x": DEEP}, JSON, "ERROR", INVALID + "the headers are", "?"),
    "bad eta": (BODY, {**HEADERS, "eta": "soon"}, JSON, "ERROR", INVALID + "invalid ETA", "T-bad"),
    "empty eta": (BODY, {**HEADERS, "eta": ""}, JSON, "ERROR", INVALID, "T-bad"),
    "bad expires": (BODY, {**HEADERS, "expires": "x"}, JSON, "ERROR", INVALID, "T-bad"),
    "one limit": (BODY, {**HEADERS, "timelimit": [1]}, JSON, "ERROR", INVALID, "T-bad"),
    "args as text": (["ab", {}, {}], HEADERS, JSON, "ERROR", INVALID, "T-bad"),
    "unregistered": (BODY, NO_SUCH, JSON, "ERROR", UNREGISTERED + "'no.such'", "T-bad"),
    "unregistered, pickled": (b"\x80", NO_SUCH, PICKLE, "ERROR", UNREGISTERED, "T-bad"),
    "v1 unregistered": (V1_UNREGISTERED, {}, JSON, "ERROR", UNREGISTERED, "T-bad"),
    "forged": (
        *("{", {**HEADERS, "id": "T\n[2026-01-01 00:00:00,000: INFO/MainProcess] hi"}, JSON),
        *("CRITICAL", UNDECODABLE, r"T\n[2026-01-01 00:00:00,000: INFO/MainProcess] hi"),
    ),
}


def records(log):
    """What was logged, without what tells of the tasks of assert_still_works."""
    return [line for line in log.splitlines() if "] Task interop.add[" not in line]


@pytest.mark.parametrize("case", BAD_MESSAGES)
def test_bad_message_is_one_line_in_the_log_and_taken_off_the_queue(
    worker, app, publish, rabbitmq, vhost, case
):
    body, headers, content_type, level, text, id_ = BAD_MESSAGES[case]
    before = records(worker.log)
    publish(body, headers, content_type)
    assert_still_works(worker, app, rabbitmq, vhost)
    lines = records(worker.log)[len(before) :]
    assert len(lines) == 1, lines
    assert f": {level}/MainProcess] {text}" in lines[0]
    assert f" id: {id_} queue: celery " in lines[0]
    assert len(lines[0]) < 8000


def test_a_message_larger_than_the_worker_takes_is_refused_unread(
    celeriac, app, publish, rabbitmq, vhost
):
    config = {"worker": {"broker_max_body_bytes": "100k"}}
    worker = celeriac("-l", "info", "-A", MODULE, "-c", 4, config=config)
    before = records(worker.log)
    publish([["x" * 200_000], {}, {}], HEADERS)
    assert_still_works(worker, app, rabbitmq, vhost)
    (line,) = records(worker.log)[len(before) :]
    assert f"{INVALID}its body of 200014 bytes is larger than this worker takes" in line
    assert " id: T-bad queue: celery " in line


def test_a_task_id_cannot_forge_a_line(worker, app, publish):
    id_ = "T\n[2026-01-01 00:00:00,000: INFO/MainProcess] Task interop.add[x] received"
    publish(BODY, {**HEADERS, "id": id_})
    worker.wait_for_log(r"succeeded in")
    assert len(re.findall(r"^\[2026-01-01", worker.log, re.MULTILINE)) == 0
    assert AsyncResult(id_, app=app).get(timeout=TIMEOUT) == 3


def test_an_election_with_nobody_else_does_not_end_the_worker(worker, app, rabbitmq, vhost):
    arguments = {"id": "E", "topic": "task", "action": None}
    app.control.broadcast("election", arguments=arguments)
    assert len(app.control.ping(timeout=TIMEOUT, limit=1)) == 1
    assert_still_works(worker, app, rabbitmq, vhost)


def test_unregistered_task_fails_for_its_caller(worker, app, rabbitmq, vhost):
    with pytest.raises(NotRegistered):
        app.send_task("no.such.task").get(timeout=TIMEOUT)
    assert_still_works(worker, app, rabbitmq, vhost)


def test_protocol_1_messages_run(worker, app, publish):
    publish({"task": "interop.add", "id": "V1", "args": [2, 3], "kwargs": {}, "retries": 0})
    assert AsyncResult("V1", app=app).get(timeout=TIMEOUT) == 5


def test_warm_shutdown_ends_what_runs_and_returns_the_rest(celeriac, app, tmp_path):
    worker = celeriac("-l", "info", "-A", MODULE, "-c", 1)
    gate, path = tmp_path / "gate", tmp_path / "marks"
    runs = app.send_task("interop.wait_at", [str(gate), str(path)])
    waits = app.send_task("interop.add", [1, 2])
    worker.wait_until(lambda: marks_in(path), "started task")
    worker.signal(signal.SIGTERM)
    worker.wait_for_log("worker: Warm shutdown")
    # While another one starts and works, this one is there as long as its task is.
    other = celeriac("-l", "info", "-A", MODULE, "-c", 1)
    assert app.send_task("interop.add", [2, 2]).get(timeout=TIMEOUT) == 4
    assert worker.running
    gate.touch()
    assert worker.wait() == 0
    assert runs.get(timeout=TIMEOUT) == "through"
    assert waits.get(timeout=TIMEOUT) == 3
    assert f"[{waits.id}] succeeded" in other.log


# What is sent, and how the worker ends: as Celery's, TERM alone is no failure.
COLD = {
    "INT INT": ([signal.SIGINT, signal.SIGINT], 1),
    "TERM INT": ([signal.SIGTERM, signal.SIGINT], 0),
    "TERM QUIT": ([signal.SIGTERM, signal.SIGQUIT], 0),
    "QUIT": ([signal.SIGQUIT], 0),
}


@pytest.mark.parametrize("signals", COLD)
def test_cold_shutdown_ends_running_tasks_and_returns_late_acks(
    celeriac, app, rabbitmq, vhost, tmp_path, signals
):
    worker = celeriac("-l", "info", "-A", MODULE, "-c", 2)
    gate, path = tmp_path / "gate", tmp_path / "marks"
    app.send_task("interop.wait_at_late", [str(gate), str(path)])
    worker.wait_until(lambda: marks_in(path), "started task")
    numbers, worker.expected_exit = COLD[signals]
    for number in numbers[:-1]:
        worker.signal(number)
        worker.wait_for_log("worker: Warm shutdown")
    worker.signal(numbers[-1])
    worker.wait_for_log("worker: Cold shutdown")
    assert worker.wait() == worker.expected_exit
    assert rabbitmq.message_count(vhost, "celery") == 1


def test_term_twice_still_waits_for_what_runs(celeriac, app, tmp_path):
    worker = celeriac("-l", "info", "-A", MODULE, "-c", 1)
    gate, path = tmp_path / "gate", tmp_path / "marks"
    result = app.send_task("interop.wait_at", [str(gate), str(path)])
    worker.wait_until(lambda: marks_in(path), "started task")
    worker.signal(signal.SIGTERM)
    worker.wait_for_log("worker: Warm shutdown")
    worker.signal(signal.SIGTERM)
    gate.touch()
    assert worker.wait() == 0
    assert result.get(timeout=TIMEOUT) == "through"


def test_a_worker_that_starts_before_rabbitmq_says_so_in_one_line_an_attempt(celeriac, app):
    with contextlib.closing(RabbitMQ()) as late:
        worker = celeriac("-l", "info", "-A", MODULE, "-b", late.url(), ready=None)
        worker.wait_for_log(r"Trying again in", count=3)
        late.start()
        worker.wait_ready()
        attempts = [
            line for line in worker.log.splitlines() if re.match(r"\[[^]]+: (?!INFO)", line)
        ]
        for number, line in enumerate(attempts, start=1):
            assert re.search(
                rf"consumer: Cannot connect to amqp://celeriac:\*\*@127\.0\.0\.1:{late.port}//: "
                rf".+\. Trying again in \d+\.\d\d seconds\.\.\. \({number}\)$",
                line,
            )
        app.conf.broker_url = late.url()
        assert app.send_task("interop.add", [1, 2]).get(timeout=TIMEOUT) == 3
        worker.stop()


@pytest.mark.parametrize("task", ["interop.hog_loop", "interop.block_for"])
def test_no_task_delays_the_heartbeats(celeriac, app, tmp_path, task):
    """RabbitMQ closes a connection that it has not heard of for two intervals."""
    config = {"worker": {"broker_heartbeat": 2}}
    worker = celeriac("-l", "info", "-A", MODULE, "-c", 1, config=config)
    path = tmp_path / "marks"
    app.send_task(task, [10, str(path)]).get(timeout=60)
    assert app.send_task("interop.add", [1, 2]).get(timeout=TIMEOUT) == 3
    assert "Connection to broker lost" not in worker.log
    assert len(marks_in(path)) == 2


def test_killed_worker_loses_no_late_ack(celeriac, app, tmp_path):
    first = celeriac("-l", "info", "-A", MODULE)
    gate, path = tmp_path / "gate", tmp_path / "marks"
    result = app.send_task("interop.wait_at_late", [str(gate), str(path)])
    first.wait_until(lambda: marks_in(path), "started task")
    first.kill()
    gate.touch()
    celeriac("-l", "info", "-A", MODULE)
    assert result.get(timeout=TIMEOUT) == "through"
    assert marks_in(path).count(f"started {result.id}") == 2


@pytest.mark.parametrize("task", ["interop.wait_at_late", "interop.wait_at"])
def test_redelivery_of_a_running_task_does_not_run_it_twice(
    worker, app, rabbitmq, vhost, tmp_path, task
):
    gate, path = tmp_path / "gate", tmp_path / "marks"
    result = app.send_task(task, [str(gate), str(path)])
    worker.wait_until(lambda: marks_in(path), "started task")
    rabbitmq.close_connections(vhost)
    worker.wait_for_log("consumer: Connection to broker lost")
    # Our own connections were closed, too.
    second = app.send_task("interop.add", [1, 2], retry=True)
    assert second.get(timeout=TIMEOUT) == 3
    gate.touch()
    assert result.get(timeout=TIMEOUT) == "through"
    assert_still_works(worker, app, rabbitmq, vhost)
    assert marks_in(path) == [f"started {result.id}", f"ended {result.id}"]


def test_what_is_held_is_held_once_after_the_connection_was_lost(
    celeriac, app, broker_url, redis_url, rabbitmq, vhost, tmp_path
):
    """The broker delivers it again."""
    annotations = {"interop.note": {"rate_limit": "7/h"}}
    config = {"worker": {"task_annotations": annotations}}
    worker = celeriac("-l", "info", "-A", MODULE, "-n", "w1@test", "-c", 4, config=config)
    path = tmp_path / "marks"
    first = app.send_task("interop.note", [1, str(path)])
    assert first.get(timeout=TIMEOUT) is None
    limited = app.send_task("interop.note", [2, str(path)])
    timed = app.send_task("interop.add", [1, 2], countdown=600)
    for held in (limited, timed):
        worker.wait_for_log(rf"\[{held.id}\] received")
    rabbitmq.close_connections(vhost)
    for held in (limited, timed):
        worker.wait_for_log(rf"\[{held.id}\] received", TIMEOUT, count=2)
    # Our own connections were closed, too; applications share them.
    kombu.pools.reset()
    client = celery.Celery("fresh", broker=broker_url, backend=redis_url, set_as_current=False)
    with contextlib.closing(client):
        inspect = client.control.inspect(destination=["w1@test"], timeout=TIMEOUT)
        scheduled = [entry["request"]["id"] for entry in inspect.scheduled()["w1@test"]]
        assert scheduled == [timed.id]
        client.control.rate_limit("interop.note", 0, reply=True, limit=1, timeout=TIMEOUT)
        # In its line it stands behind whatever was there before.
        last = client.send_task("interop.note", [3, str(path)])
        assert client.AsyncResult(last.id).get(timeout=TIMEOUT) is None
    assert sorted(marks_in(path)) == ["1", "2", "3"]


def test_result_waits_while_redis_is_away(worker, app, redis_server, tmp_path):
    """Longer than a command to Redis may take, too."""
    gate, path = tmp_path / "gate", tmp_path / "marks"
    result = app.send_task("interop.wait_at", [str(gate), str(path)])
    worker.wait_until(lambda: marks_in(path), "started task")
    redis_server.stop()
    try:
        gate.touch()
        worker.wait_for_log(f"Could not store the result of task {result.id} yet", TIMEOUT)
        assert len(marks_in(path)) == 2
    finally:
        redis_server.start()
    assert result.get(timeout=TIMEOUT) == "through"


def test_python_worker_and_this_one_share_a_chain(worker, app, broker_url, redis_url, tmp_path):
    """A chain whose links run in either worker, each in its own queue."""
    (tmp_path / "pyside.py").write_text(
        "import celery\n"
        f"app = celery.Celery('pyside', broker={broker_url!r}, backend={redis_url!r})\n"
        "@app.task(name='py.double')\n"
        "def double(x): return 2 * x\n"
    )
    from support.process import Process

    python = Process(
        "celery worker",
        [
            *(sys.executable, "-m", "celery", "-A", "pyside", "worker", "-Q", "py", "-P", "solo"),
            *("-n", "python@%h", "-l", "info", "--without-gossip", "--without-mingle"),
        ],
        tmp_path / "pyside.log",
        cwd=tmp_path,
    )
    python.wait_for_log(r"\bready\.", 60)
    add = app.signature("interop.add", [10], queue="celery")
    double = app.signature("py.double", queue="py")
    chain = app.signature("interop.add", [1, 2]) | double | add | double
    assert chain.apply_async().get(timeout=TIMEOUT) == 32
    python.terminate()


def test_own_program_runs_its_tasks(app, broker_url, redis_url, tmp_path):
    from support.celeriac import Worker, environment

    binary = CELERIAC.parent / "examples/own_program/shapes"
    arguments = ["worker", "-l", "info", "-b", broker_url, "--result-backend", redis_url]
    worker = Worker(arguments, tmp_path / "shapes.log", environment({}), binary)
    worker.wait_ready()
    assert app.send_task("shapes.circle", [1]).get(timeout=TIMEOUT) == pytest.approx(3.14159, 1e-5)
    total = app.send_task("shapes.circles", [[1, 2]]).get(timeout=TIMEOUT)
    assert total == pytest.approx(15.70796, 1e-5)
    with pytest.raises(ValueError, match="a radius is not negative"):
        app.send_task("shapes.circle", [-1]).get(timeout=TIMEOUT)
    worker.stop()


def test_example_module_loads(celeriac, app):
    celeriac("-l", "info", "-A", CELERIAC.parent / "examples/module/news_tasks.so")
    assert app.send_task("tasks.add", [2, 3]).get(timeout=TIMEOUT) == 5


def test_module_that_is_none_is_refused(tmp_path):
    run = subprocess.run(
        [CELERIAC, "worker", "-A", "/no/such/module.so"], capture_output=True, text=True
    )
    assert run.returncode != 0
    assert "/no/such/module.so" in run.stderr
