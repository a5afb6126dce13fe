"""A Python worker beside it: both answer every command alike and tell the same of their tasks."""

import json
import os
import re
import signal
import sys
import threading
import time

import celery.worker.control
import pytest

from support.celeriac import CELERIAC
from support.process import Process

pytestmark = pytest.mark.needs_celery("5.7", "a worker that answers as 5.7 does")

MODULE = CELERIAC.parent / "modules/remote_tasks.so"

# The same tasks in Python.
APP = """\
import threading
import celery.exceptions, celery.utils.log
app = celery.Celery('remote_app', broker={broker!r}, backend={backend!r})
app.conf.task_default_queue = 'python'
app.conf.task_send_sent_event = True
log = celery.utils.log.get_task_logger(__name__)
@app.task(name='remote.add')
def add(x, y): return x + y
@app.task(name='remote.sleep')
def sleep(seconds): threading.Event().wait(seconds)  # may be ended with its process
@app.task(name='remote.wait_in_pool')
def wait_in_pool(): threading.Event().wait(3600)
@app.task(name='remote.wait_late', acks_late=True)
def wait_late(): threading.Event().wait(3600)
@app.task(name='remote.limited', rate_limit='2/s')
def limited(x, y): return x + y
@app.task(name='remote.fail')
def fail(text): raise ValueError(text)
@app.task(name='remote.retry_once', bind=True)
def retry_once(self):
    if self.request.retries == 0: raise self.retry(countdown=0)
    return self.request.retries
@app.task(name='remote.say')
def say(text): ...
@app.task(name='remote.say_in_pool')
def say_in_pool(text): log.info(text)
@app.task(name='remote.reject', acks_late=True)
def reject(requeue): raise celery.exceptions.Reject('no', requeue=requeue)
@app.task(name='remote.muted', send_events=False)
def muted(x, y): return x + y
"""


class Node:
    """One of the two workers, with a queue of its own."""

    def __init__(self, app, process, name, queue):
        self.app, self.process, self.name, self.queue = app, process, name, queue

    def ask(self, command, arguments):
        """The reply with what only this node is called taken out of it."""
        replies = self.app.control.broadcast(
            command, arguments=arguments, destination=[self.name], reply=True, limit=1, timeout=30
        )
        assert len(replies) == 1, f"{self.name} does not answer {command} {arguments}"
        text = json.dumps(replies[0][self.name])
        return json.loads(text.replace(self.name, "NODE").replace(f'"{self.queue}', '"QUEUE'))

    def send(self, task, *arguments, **options):
        return self.app.send_task(task, arguments, queue=self.queue, **options)

    def id(self, name):
        """Of a task of this node; the same for both in a reply."""
        return f"{self.queue}-{name}"


@pytest.fixture
def start_both(celeriac, broker_url, redis_url, app, tmp_path):
    (tmp_path / "remote_app.py").write_text(APP.format(broker=broker_url, backend=redis_url))
    started = []

    def start(*options):
        options = ["-c", "2", "-l", "DEBUG", *options]
        config = {"worker": {"task_send_sent_event": True}}
        native = celeriac("-A", MODULE, "-n", "native@test", *options, config=config)
        command = [sys.executable, "-m", "celery", "-A", "remote_app", "worker"]
        command += ["-n", "python@test", *options]
        python = Process("Python worker", command, tmp_path / "python.log", cwd=tmp_path)
        started.append(python)
        python.wait_for_log(r"python@test ready\.", 90)
        return (
            Node(app, native, "native@test", "celery"),
            Node(app, python, "python@test", "python"),
        )

    yield start
    for python in started:
        if python.running:
            python.kill()


def shape(value):
    """Keys and types of a reply; of a list, the shapes that it has."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        shapes = {json.dumps(shape(item), sort_keys=True) for item in value}
        return [json.loads(each) for each in sorted(shapes)]
    return type(value).__name__


MEASURED = [
    ("active", {}),
    ("active", {"safe": True}),
    ("active_queues", {}),
    ("clock", {}),
    ("dump_active", {}),
    ("dump_reserved", {}),
    ("dump_schedule", {}),
    ("hello", {"from_node": "other@test"}),
    ("report", {}),
    ("reserved", {}),
    ("revoked", {}),
    ("scheduled", {}),
    ("stats", {}),
]


def both_busy(nodes):
    """Two tasks run, one waits for a slot, one for its eta."""
    for node in nodes:
        node.send("remote.add", 1, 2).get(timeout=60)
        for name in ("run0", "run1", "wait"):
            node.send("remote.sleep", 3600, task_id=node.id(name))
        node.send("remote.add", 1, 2, countdown=500, task_id=node.id("eta"))
        node.process.wait_for_log(rf"{node.id('eta')}\] received", 60)
        node.process.wait_until(
            lambda node=node: len(node.ask("active", {})) == 2, "two running tasks", 60
        )


def test_what_they_measure_has_one_shape(start_both):
    nodes = native, python = start_both("-P", "threads", "-E")
    both_busy(nodes)
    different = {}
    for node in nodes:
        ids = [node.id(name) for name in ("run0", "wait", "eta", "nobody")]
        node.app.control.revoke("never-sent", destination=[node.name])
        different["query_task", node.name] = shape(node.ask("query_task", {"ids": ids}))
    assert different.pop(("query_task", native.name)) == different.pop(("query_task", python.name))
    for command, arguments in MEASURED:
        ours, theirs = (shape(node.ask(command, arguments)) for node in nodes)
        if ours != theirs:
            different[command, str(arguments)] = (ours, theirs)
    assert different == {}
    tasks = [native.id(name) for name in ("wait", "run0", "run1")]
    native.app.control.revoke(tasks, terminate=True)


ANSWERED = [
    ("ping", {}),
    ("ping", {"surplus": 1}),
    ("registered", {}),
    ("dump_tasks", {}),
    ("registered", {"taskinfoitems": ["name", "rate_limit", "max_retries", "acks_late"]}),
    ("registered", {"taskinfoitems": ["serializer", "ignore_result", "time_limit", "nonsense"]}),
    ("query_task", {"ids": "nobody"}),
    ("query_task", {}),
    ("hello", {}),
    ("hello", {"from_node": "NODE"}),
    ("revoke", {"task_id": ["r1"]}),
    ("revoke", {"task_id": "r2"}),
    ("revoke", {"task_id": []}),
    ("revoke", {"task_id": 5}),
    ("revoke", {}),
    ("revoke", {"task_id": "r3", "terminate": True}),
    ("revoke", {"task_id": "r3", "terminate": True, "signal": "NOSUCH"}),
    ("terminate", {"task_id": "r3", "signal": "KILL"}),
    ("terminate", {"signal": "KILL"}),
    ("revoke_by_stamped_headers", {"headers": {"a": "b"}}),
    ("revoke_by_stamped_headers", {"headers": ["k=v"]}),
    ("revoke_by_stamped_headers", {"headers": ["kv"]}),
    ("revoke_by_stamped_headers", {"headers": {"a": ["b", "c"]}, "terminate": True}),
    ("revoke_by_stamped_headers", {}),
    *(
        ("rate_limit", {"task_name": "remote.add", "rate_limit": limit})
        for limit in ("10/m", "", 0, "0", None, 10, 2.5, "abc/s", "10/x", "5/s/s", [1])
    ),
    ("rate_limit", {"task_name": "no.such.task", "rate_limit": "1/s"}),
    ("rate_limit", {"task_name": "no.such.task", "rate_limit": "x"}),
    ("rate_limit", {"task_name": "remote.add"}),
    ("rate_limit", {}),
    # A coroutine here: a hard limit on a function on a thread is refused.
    ("time_limit", {"task_name": "remote.sleep", "hard": 30, "soft": 20}),
    ("time_limit", {"task_name": "remote.add"}),
    ("time_limit", {"task_name": "no.such.task", "hard": 1}),
    ("add_consumer", {"queue": "QUEUE-2"}),
    ("add_consumer", {}),
    ("cancel_consumer", {"queue": "QUEUE-2"}),
    ("cancel_consumer", {"queue": "never"}),
    ("cancel_consumer", {}),
    ("pool_restart", {}),
    ("autoscale", {"max": 3, "min": 1}),
    ("autoscale", {"surplus": 1}),
    ("enable_events", {}),
    ("enable_events", {}),
    ("enable_events", {"surplus": 1}),
    ("disable_events", {}),
    ("disable_events", {}),
    ("heartbeat", {}),
    ("heartbeat", {"surplus": 1}),
    ("conf", {"with_defaults": None}),
    ("no_such_command", {}),
]


def test_what_they_answer_is_word_for_word_the_same(start_both):
    nodes = start_both("-P", "threads")
    different = {}
    for command, arguments in ANSWERED:
        ours, theirs = (
            node.ask(command, json.loads(json.dumps(arguments).replace("NODE", node.name)))
            for node in nodes
        )
        if command == "conf":
            ours, theirs = type(ours), type(theirs)
        if ours != theirs:
            different[command, str(arguments)] = (ours, theirs)
    assert different == {}


def test_every_command_of_celery_is_known(start_both):
    nodes = start_both("-P", "threads")
    unknown = []
    # Threads of Celery cannot grow; the pools that can are compared below.
    for command in set(celery.worker.control.Panel.data) - {"shutdown", "pool_grow", "pool_shrink"}:
        ours, theirs = (node.ask(command, {}) for node in nodes)
        if shape(ours) != shape(theirs) and command not in {"conf", "dump_conf"}:
            unknown.append((command, ours, theirs))
    assert unknown == []


MEMORY = re.compile(r"\d+(\.\d+)?[KMG]B")


def test_memory_is_told_in_celerys_words(start_both):
    told = []
    for node in start_both("-P", "threads"):
        samples = [node.ask("memsample", {}) for _ in range(3)]
        assert all(map(MEMORY.fullmatch, samples))
        dump = node.ask("memdump", {"samples": 10})
        assert all(sample in dump for sample in samples)
        told += [(MEMORY.sub("N", dump), MEMORY.sub("N", node.ask("memdump", {})))]
    assert (
        told[0]
        == told[1]
        == (
            "- rss (sample):\n" + 3 * "-    > N,\n" + "- rss (end): N.\n",
            "- rss (end): N.\n",
        )
    )


def test_conf_hides_what_celery_hides(start_both):
    ours, theirs = (node.ask("conf", {"with_defaults": True}) for node in start_both())
    hidden = {key for key, value in theirs.items() if "**" in str(value)} & ours.keys()
    assert hidden >= {"broker_url", "task_default_routing_key"}
    # Without a value of its own Celery shows the default for the two others.
    for key in hidden - {"broker_read_url", "broker_write_url"}:
        assert ours[key] == theirs[key], key


def test_a_request_whose_expires_has_passed_is_answered_alike(start_both, app):
    """kombu writes `expires` into a request and looks for it in replies alone."""
    nodes = start_both("-P", "threads")
    with app.connection_for_write() as connection:
        mailbox = app.control.mailbox(connection)
        replies = connection.SimpleQueue(mailbox.reply_queue, no_ack=True)
        request = {"method": "ping", "arguments": {}, "destination": [n.name for n in nodes]}
        request["ticket"] = "t1"
        request["reply_to"] = {"exchange": replies.queue.exchange.name, "routing_key": mailbox.oid}
        with connection.Producer() as producer:
            producer.publish(
                request, exchange=mailbox.exchange.name, headers={"clock": 1, "expires": 1}
            )
        answers = {}
        for _ in nodes:
            answers |= replies.get(timeout=60).payload
    assert answers == {node.name: {"ok": "pong"} for node in nodes}


def test_both_tell_of_what_a_cold_shutdown_cancels(start_both, app):
    cancelled = []
    with EventStream(app) as stream:
        for node in start_both("-P", "prefork", "-c", "1", "-E"):
            node.send("remote.wait_late", task_id=node.id("late"))
            node.process.wait_until(lambda node=node: node.ask("active", {}), "a task", 60)
            node.process.signal(signal.SIGQUIT)
            node.process.expected_exit = node.process.wait(60)
            event = stream.wait_for(node.name, "task-cancelled")
            assert event["uuid"] == node.id("late")
            cancelled.append((event, node.process.returncode))
    ours, theirs = cancelled
    assert shape(ours) == shape(theirs)
    assert ours[1] == theirs[1]


POOL = [
    ("pool_grow", {}),
    ("pool_grow", {"n": 2}),
    ("pool_shrink", {}),
    ("pool_shrink", {"n": 2}),
]


def test_the_prefork_pool_answers_alike(start_both):
    nodes = start_both("-P", "prefork", "--time-limit", "300", "--soft-time-limit", "200")
    for command, arguments in POOL:
        ours, theirs = (node.ask(command, arguments) for node in nodes)
        assert ours == theirs
    ours, theirs = (shape(node.ask("stats", {})) for node in nodes)
    # billiard's pipes to its children are its own.
    theirs["pool"].pop("writes")
    assert ours == theirs
    assert [node.ask("stats", {})["pool"]["timeouts"] for node in nodes] == [[200.0, 300.0]] * 2


LINE = re.compile(r"\[.*: (?P<level>\w+)/(?P<process>[\w-]+)\] (?P<text>.*)")


def told(node, *tasks):
    """Level, process and text of each line of these tasks from INFO on, sorted."""
    found = []
    for line in filter(None, map(LINE.fullmatch, node.process.log.splitlines())):
        text = line["text"]
        if any(task.id in text for task in tasks) and line["level"] != "DEBUG":
            for task in tasks:
                text = text.replace(task.id, "ID")
            text = re.sub(r"succeeded in [\d.e-]+s", "succeeded in Ns", text)
            found.append((line["level"], line["process"], text))
    return sorted(found)


@pytest.mark.parametrize(
    ("pool", "first", "second"),
    [
        ("prefork", "ForkPoolWorker-1", "ForkPoolWorker-2"),
        ("threads", "MainProcess", "MainProcess"),
    ],
)
def test_a_tasks_lines_name_the_same_process(start_both, pool, first, second):
    nodes = start_both("-P", pool, "-c", "1")
    lines, pids = [], []
    for node in nodes:
        tasks = [node.send("remote.say_in_pool", "hello"), node.send("remote.fail", "boom")]
        tasks.append(node.send("remote.reject", False))
        node.process.wait_for_log(rf"{tasks[-1].id}\] reject", 60)
        if pool == "prefork":
            (child,) = node.ask("stats", {})["pool"]["processes"]
            os.kill(child, signal.SIGKILL)
            node.process.wait_for_log(
                rf"ERROR/MainProcess\] Process '{first}' pid:{child} exited with "
                r"'signal 9 \(SIGKILL\)'",
                60,
            )
        tasks.append(node.send("remote.add", 1, 2))
        node.process.wait_for_log(rf"{tasks[-1].id}\] succeeded", 60)
        lines.append(told(node, *tasks))
        pids.append(tasks)
    ours, theirs = lines
    assert ours == theirs
    assert ("INFO", first, "remote.say_in_pool[ID]: hello") in ours
    assert ("INFO", first, "Task remote.say_in_pool[ID] succeeded in Ns: None") in ours
    assert ("ERROR", first, "Task remote.fail[ID] raised unexpected: ValueError('boom')") in ours
    assert ("INFO", second, "Task remote.add[ID] succeeded in Ns: 3") in ours
    assert ("INFO", "MainProcess", "Task remote.add[ID] received") in ours


def test_a_running_task_shows_its_child(start_both):
    for node in start_both("-P", "prefork", "-c", "1"):
        waiting = node.send("remote.wait_in_pool")
        (task,) = node.process.wait_until(lambda node=node: node.ask("active", {}), "a task", 60)
        (child,) = node.ask("stats", {})["pool"]["processes"]
        assert task["worker_pid"] == child
        node.app.control.revoke(waiting.id, terminate=True)


def test_autoscaling_answers_alike(start_both):
    nodes = start_both("-P", "prefork", "--autoscale", "3,1")
    for command, arguments in [
        *(("autoscale", {"max": 5, "min": 2}), ("autoscale", {"max": 4}), ("pool_grow", {})),
        *(("pool_shrink", {}), ("autoscale", {})),
    ]:
        ours, theirs = (node.ask(command, arguments) for node in nodes)
        assert ours == theirs
    ours, theirs = (shape(node.ask("stats", {})["autoscaler"]) for node in nodes)
    assert ours == theirs


class EventStream(threading.Thread):
    """Every event that is sent while it is entered, in order."""

    def __init__(self, app):
        super().__init__(daemon=True)
        self.app, self.events = app, []
        self.listening, self.stopping = threading.Event(), threading.Event()

    def run(self):
        with self.app.connection_for_read() as connection:
            receiver = self.app.events.Receiver(connection, handlers={"*": self.events.append})
            with receiver.consumer_context(wakeup=False) as (listening, _channel, _consumers):
                self.listening.set()
                while not self.stopping.is_set():
                    try:
                        listening.drain_events(timeout=0.2)
                    except TimeoutError:
                        continue

    def __enter__(self):
        self.start()
        assert self.listening.wait(60)
        return self

    def __exit__(self, *exception):
        self.stopping.set()
        self.join()

    def wait_for(self, hostname, kind):
        deadline = time.monotonic() + 60
        while kind not in self.first(hostname):
            assert time.monotonic() < deadline, f"no {kind} of {hostname} within 60 s"
            time.sleep(0.02)
        return self.first(hostname)[kind]

    def first(self, hostname):
        """The first event of each type."""
        found = {}
        for event in list(self.events):
            # What a worker publishes itself it tells as a client of its process.
            own = event["hostname"] == hostname or event["hostname"].startswith("gen")
            if own:
                found.setdefault(event["type"], event)
        return found


TASK_EVENTS = {
    f"task-{what}"
    for what in ("received", "started", "succeeded", "failed", "retried", "rejected", "revoked")
}
WORKER_EVENTS = {"worker-online", "worker-heartbeat", "worker-offline"}

# What differs from run to run, from worker to worker.
OWN = {
    *("timestamp", "local_received", "clock", "pid", "hostname", "uuid", "root_id", "runtime"),
    *("traceback", "loadavg", "active", "processed", "sw_ident", "sw_ver", "routing_key", "queue"),
}


def live(node, stream):
    """Everything that can become of a task, one after the other."""
    node.send("remote.add", 2, 3).get(timeout=60)
    with pytest.raises(ValueError, match="boom"):
        node.send("remote.fail", "boom").get(timeout=60)
    node.send("remote.retry_once").get(timeout=60)
    node.send("remote.reject", False)
    node.send("remote.muted", 1, 1).get(timeout=60)
    revoked = node.send("remote.add", 1, 1, countdown=2)
    node.app.control.revoke(revoked.id)
    node.process.wait_until(
        lambda: stream.first(node.name).keys() >= TASK_EVENTS, "event of each kind", 60
    )


def test_they_tell_the_same_of_tasks_and_of_themselves(start_both, app):
    with EventStream(app) as stream:
        nodes = native, python = start_both("-P", "threads", "-E")
        for node in nodes:
            live(node, stream)
            node.process.wait_until(
                lambda node=node: "worker-heartbeat" in stream.first(node.name), "heartbeat", 60
            )
        native.process.stop()
        python.process.signal(signal.SIGTERM)
        python.process.wait(60)
    assert not [e for e in stream.events if e.get("name") == "remote.muted"]
    ours, theirs = (stream.first(node.name) for node in nodes)
    # Without an exception Python shows its own Retry there, and ours the words of the log.
    assert ours["task-retried"].pop("exception") == "Retry in 0s"
    assert theirs["task-retried"].pop("exception") == "Retry(Retry(...), None, 0)"
    for kind in TASK_EVENTS | WORKER_EVENTS:
        assert shape(ours[kind]) == shape(theirs[kind]), kind
        assert {key: value for key, value in ours[kind].items() if key not in OWN} == {
            key: value for key, value in theirs[kind].items() if key not in OWN
        }, kind


def test_both_tell_of_the_tasks_they_send(start_both, app):
    with EventStream(app) as stream:
        sent = []
        for node in start_both("-P", "threads"):
            result = node.send("remote.retry_once")
            result.get(timeout=60)
            event = node.process.wait_until(
                lambda result=result: next(
                    (e for e in stream.events if e.get("uuid") == result.id), None
                ),
                "task-sent",
                60,
            )
            assert event["type"] == "task-sent"
            assert event["root_id"] == event["parent_id"] == result.id
            assert event["hostname"].startswith(f"gen{event['pid']}@")
            assert (event["queue"], event["routing_key"]) == (node.queue, node.queue)
            sent.append(event)
    ours, theirs = sent
    assert shape(ours) == shape(theirs)
    same = ("name", "args", "kwargs", "retries", "exchange")
    assert {key: ours[key] for key in same} == {key: theirs[key] for key in same}


def test_a_python_worker_learns_of_revokes_from_it(start_both, app, celeriac, broker_url, tmp_path):
    native, _python = start_both()
    app.control.revoke("revoked-early", destination=[native.name])
    native.process.wait_for_log("Tasks flagged as revoked: revoked-early", 60)
    command = [sys.executable, "-m", "celery", "-b", broker_url, "worker", "-n", "late@test"]
    late = Process("late", [*command, "-P", "solo", "-Q", "none", "-l", "INFO"], tmp_path / "late")
    try:
        late.wait_for_log("mingle: sync with 2 nodes", 90)
        late.wait_for_log(r"late@test ready\.", 90)
        (revoked,) = app.control.inspect(["late@test"], timeout=30).revoked().values()
        assert revoked == ["revoked-early"]
        clocks = app.control.inspect([native.name, "late@test"], timeout=30).clock()
        assert clocks["late@test"]["clock"] > 0
    finally:
        late.kill()
