"""Tasks with an eta wait at the broker where there are quorum queues, as since Celery 5.5."""

import datetime
import sys
import time

import kombu
import pytest
from kombu.transport.native_delayed_delivery import calculate_routing_key

from support.celeriac import CELERIAC
from support.process import Process

MODULE = CELERIAC.parent / "tests/interop/task_module/interop_tasks.so"
TIMEOUT = 60

# A queue beside the default one, with a key of its own.
QUEUES = {"celery": "celery", "reports": "report.daily"}
SETTINGS = {
    "task_queues": [
        {
            "name": name,
            "exchange": {"name": "tasks", "type": "topic"},
            "routing_key": key,
            "queue_arguments": {"x-queue-type": "quorum"},
        }
        for name, key in QUEUES.items()
    ],
    "task_create_missing_queue_type": "quorum",
    "task_create_missing_queue_exchange_type": "topic",
}


def queues():
    exchange = kombu.Exchange("tasks", type="topic")
    return [
        kombu.Queue(name, exchange, key, queue_arguments={"x-queue-type": "quorum"})
        for name, key in QUEUES.items()
    ]


@pytest.fixture
def app(app):
    app.conf.update(SETTINGS, task_queues=queues(), task_default_exchange_type="topic")
    return app


@pytest.fixture
def start(celeriac):
    def start(*arguments, **settings):
        config = {"worker": {**SETTINGS, **settings}}
        return celeriac("-l", "info", "-A", MODULE, "-n", "w1@test", *arguments, config=config)

    return start


def marks_in(path):
    return path.read_text().splitlines() if path.exists() else []


def topology(rabbitmq, vhost):
    """Everything in a virtual host that is not of remote control and events."""
    definitions = rabbitmq.api("GET", f"definitions/{vhost}")

    def of_tasks(entity):
        names = f"{entity.get('name')} {entity.get('source')} {entity.get('destination')}"
        return "pidbox" not in names and "celeryev" not in names

    def fields(entity):
        return repr(sorted((k, v) for k, v in entity.items() if k != "vhost"))

    return {
        kind: sorted(fields(entity) for entity in definitions[kind] if of_tasks(entity))
        for kind in ("exchanges", "queues", "bindings")
    }


@pytest.mark.parametrize("queue_type", ["quorum", "classic"])
def test_the_topology_is_that_of_a_python_worker(
    start, rabbitmq, vhost, broker_url, redis_url, tmp_path, queue_type
):
    start(broker_native_delayed_delivery_queue_type=queue_type)
    ours = topology(rabbitmq, vhost)
    other = f"{vhost}-python"
    (tmp_path / "pyside.py").write_text(
        "import celery, kombu\n"
        f"app = celery.Celery('pyside', broker={rabbitmq.create_vhost(other)!r})\n"
        "exchange = kombu.Exchange('tasks', type='topic')\n"
        "quorum = {'x-queue-type': 'quorum'}\n"
        "app.conf.task_queues = [\n"
        f"    kombu.Queue(n, exchange, k, queue_arguments=quorum) for n, k in {QUEUES!r}.items()]\n"
        f"app.conf.broker_native_delayed_delivery_queue_type = {queue_type!r}\n"
    )
    command = [sys.executable, "-m", "celery", "-A", "pyside", "worker", "-P", "solo", "-l", "info"]
    python = Process("celery worker", command, tmp_path / "pyside.log", cwd=tmp_path)
    try:
        python.wait_for_log(r"\bready\.", TIMEOUT)
        theirs = topology(rabbitmq, other)
    finally:
        python.terminate()
        rabbitmq.delete_vhost(other)
    assert len(theirs["queues"]) == 28 + len(QUEUES)
    assert ours == theirs


def test_countdowns_wait_at_the_broker_and_not_in_the_worker(start, app, tmp_path):
    start("-c", 1, "--prefetch-multiplier", 1)
    path = tmp_path / "marks"
    far = [app.send_task("interop.add", [n, 0], countdown=3600) for n in range(20)]
    later = app.send_task("interop.note", ["later", str(path)], countdown=4)
    sooner = app.send_task("interop.note", ["sooner", str(path)], countdown=2)
    due = {sooner: time.time() + 1, later: time.time() + 3}  # at least; sending took a moment
    # Neither what is due in an hour nor what is due soon keeps the only slot or the window.
    assert app.send_task("interop.add", [1, 2]).get(timeout=TIMEOUT) == 3
    inspect = app.control.inspect(destination=["w1@test"], timeout=10)
    assert inspect.scheduled() == {"w1@test": []}
    assert inspect.reserved() == {"w1@test": []}
    for result, moment in due.items():
        result.get(timeout=TIMEOUT)
        assert result.date_done.replace(tzinfo=datetime.UTC).timestamp() > moment
    assert marks_in(path) == ['"sooner"', '"later"']
    assert {result.state for result in far} == {"PENDING"}


def test_a_retry_with_a_countdown_waits_at_the_broker(start, app, tmp_path):
    worker = start("-Q", "reports")
    with app.connection_for_write() as connection:
        channel = connection.channel()
        tap = kombu.Queue("tap", kombu.Exchange("celery_delayed_27", type="topic"), "#")
        tap.bind(channel).declare()
        result = app.send_task("interop.retry_until", [2, 1.5], queue="reports")
        # A retry of what was delayed before goes back to its queue, too: only that is consumed.
        assert result.get(timeout=TIMEOUT) == 2
        for retries in (1, 2):
            message = channel.basic_get("tap", no_ack=True)
            assert message.headers["id"] == result.id
            assert message.headers["retries"] == retries
            assert message.delivery_info["routing_key"] == calculate_routing_key(1, "report.daily")
    assert "wait for its eta" not in worker.log


def test_a_retry_within_a_second_waits_in_the_worker(start, app):
    start()
    assert app.send_task("interop.retry_until", [1, 0.3]).get(timeout=TIMEOUT) == 1


def test_a_queue_that_is_added_gets_what_was_delayed(start, app):
    start()
    topic = {"exchange": "added", "exchange_type": "topic", "routing_key": "added"}
    to_worker = {"destination": ["w1@test"], "reply": True, "timeout": 10}
    replies = app.control.add_consumer("added", **topic, **to_worker)
    assert replies == [{"w1@test": {"ok": "add consumer added"}}]
    result = app.send_task("interop.add", [1, 2], queue="added", countdown=1.5)
    assert result.get(timeout=TIMEOUT) == 3


def test_a_countdown_is_kept_where_the_topology_is_gone(start, app, rabbitmq, vhost):
    worker = start()
    rabbitmq.api("DELETE", f"exchanges/{vhost}/celery_delayed_27")
    assert app.send_task("interop.retry_until", [1, 1.5]).get(timeout=TIMEOUT) == 1
    assert "A message cannot wait for its eta at the broker" in worker.log


def test_a_direct_exchange_is_warned_of(celeriac, app):
    worker = celeriac("-l", "info", config={"worker": {"task_default_queue_type": "quorum"}})
    worker.wait_for_log("Exchange celery of queue celery is a direct exchange")
