"""The result backend rpc://: results as messages to whoever sent the task."""

import celery
import kombu
import pytest
from celery.exceptions import TaskRevokedError

from support.celeriac import CELERIAC

MODULES = (
    *("-A", CELERIAC.parent / "modules/contract_tasks.so"),
    *("-A", CELERIAC.parent / "tests/interop/task_module/interop_tasks.so"),
)
TIMEOUT = 30


@pytest.fixture
def app(broker_url):
    client = celery.Celery("rpc", broker=broker_url, backend="rpc://", set_as_current=False)
    client.conf.update(broker_connection_retry_on_startup=True, task_publish_retry=False)
    yield client
    client.close()


@pytest.fixture
def worker(celeriac):
    return celeriac(*MODULES, "-l", "INFO", "-n", "w1@test", "--result-backend", "rpc://")


@pytest.fixture
def replies(app):
    """Sends a task and returns all states that come back, up to the one it ends in."""

    def replies(name, *args, **options):
        states = []
        with app.connection_for_read() as connection:
            channel = connection.default_channel
            queue = kombu.Queue("replies", channel=channel, durable=False, auto_delete=True)
            queue.declare()
            with kombu.Consumer(
                channel, queue, no_ack=True, callbacks=[lambda _, message: states.append(message)]
            ):
                app.send_task(name, args, reply_to="replies", **options)
                while not states or states[-1].payload["status"] not in ("SUCCESS", "FAILURE"):
                    connection.drain_events(timeout=TIMEOUT)
        return states

    return replies


def test_get_returns_the_result(worker, app):
    results = [app.send_task("interop.add", [n, n]) for n in range(20)]
    assert [result.get(timeout=TIMEOUT) for result in results] == [2 * n for n in range(20)]
    assert results[0].state == "SUCCESS"


def test_get_raises_what_the_task_raised(worker, app):
    with pytest.raises(KeyError) as failure:
        app.send_task("interop.fail", ["KeyError", {"a": 1}]).get(timeout=TIMEOUT)
    assert failure.value.args == ({"a": 1},)
    with pytest.raises(celery.exceptions.NotRegistered):
        app.send_task("no.such.task").get(timeout=TIMEOUT)
    late = app.send_task("interop.add", [1, 2], countdown=0.3, expires=0.1)
    with pytest.raises(TaskRevokedError, match="expired"):
        late.get(timeout=TIMEOUT)


def test_each_state_is_a_message(celeriac, replies):
    celeriac(
        *(*MODULES, "-l", "INFO", "-n", "w1@test", "--result-backend", "rpc://"),
        config={"worker": {"task_track_started": True}},
    )
    states = replies("interop.retry_until", 1)
    assert [message.payload["status"] for message in states] == [
        *("STARTED", "RETRY", "STARTED", "SUCCESS")
    ]
    for message in states:
        assert message.properties["correlation_id"] == message.payload["task_id"]
        assert message.content_type == "application/json"
        assert message.properties["delivery_mode"] == 1
    assert states[0].payload["result"]["hostname"] == "w1@test"


@pytest.mark.parametrize("extended", [False, True])
def test_a_result_has_what_celerys_worker_sends(celeriac, replies, extended):
    celeriac(
        *(*MODULES, "-l", "INFO", "-n", "w1@test", "--result-backend", "rpc://"),
        config={"worker": {"result_extended": extended, "result_persistent": True}},
    )
    (message,) = replies("interop.add", 2, 3, root_id="R", parent_id="P", group_id="G")
    meta = dict(message.payload)
    assert message.properties["delivery_mode"] == 2
    assert meta.pop("date_done")
    assert meta.pop("task_id") == message.properties["correlation_id"]
    expected = {"status": "SUCCESS", "result": 5, "traceback": None, "children": []}
    expected |= {"group_id": "G", "parent_id": "P"}
    if extended:
        expected |= {"name": "interop.add", "args": [2, 3], "kwargs": {}}
        expected |= {"worker": "w1@test", "retries": 0, "queue": "celery"}
    assert meta == expected


def test_chains_and_groups_answer_their_sender(worker, app):
    def add(*args):
        return app.signature("interop.add", args)

    assert (add(1, 2) | add(10) | add(20)).apply_async().get(timeout=TIMEOUT) == 33
    group = celery.group(add(n, n) for n in range(5)).apply_async()
    assert group.get(timeout=TIMEOUT) == [0, 2, 4, 6, 8]


def test_a_client_that_has_gone_disturbs_nobody(worker, app):
    app.send_task("interop.add", [1, 2], reply_to="no-such-queue")
    app.send_task("interop.add", [1, 2], reply_to="")
    assert app.send_task("interop.add", [1, 2]).get(timeout=TIMEOUT) == 3


def test_chords_are_refused_as_celery_refuses_them(worker, app):
    add = app.signature("interop.add", [1, 2])
    chord = celery.chord([add, add], app.signature("interop.total"))
    with pytest.raises(NotImplementedError):
        chord.apply_async()
    # From a task, before anything of it is sent.
    nested = celery.chord([add, add], app.signature("interop.total"))
    with pytest.raises(NotImplementedError, match=r"rpc:// cannot; use redis://"):
        app.send_task("contract.send", [nested]).get(timeout=TIMEOUT)
    assert "Task interop.add[" not in worker.log


def test_a_task_awaits_the_result_of_another(worker, app):
    assert app.send_task("interop.send_add", [20, 3]).get(timeout=TIMEOUT) == 23


def test_a_worker_that_asks_for_chords_without_a_backend_is_told(celeriac, app):
    worker = celeriac(*MODULES, "-l", "INFO", "--result-backend", "disabled://")
    add = app.signature("interop.add", [1, 2])
    chord = celery.chord([add, add], app.signature("interop.total"))
    app.send_task("contract.send", [chord])
    worker.wait_for_log("NotImplementedError.*disabled:// cannot; use redis://")
