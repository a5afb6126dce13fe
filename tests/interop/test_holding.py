"""What waits in the worker is bounded and blocks nothing: etas, limits, results, follow-ups."""

import celery
import pytest
from celery.exceptions import TaskRevokedError

from support.celeriac import CELERIAC

MODULE = CELERIAC.parent / "tests/interop/task_module/interop_tasks.so"
TIMEOUT = 60


@pytest.fixture
def start(celeriac):
    def start(*arguments, **settings):
        arguments = ["-l", "info", "-A", MODULE, "-n", "w1@test", *arguments]
        return celeriac(*arguments, config={"worker": settings})

    return start


@pytest.fixture
def inspect(app):
    return app.control.inspect(destination=["w1@test"], timeout=10)


def marks_in(path):
    return path.read_text().splitlines() if path.exists() else []


def messages(rabbitmq, vhost, queue):
    """In a queue that may not exist yet."""
    listed = rabbitmq.api("GET", f"queues/{vhost}?disable_stats=true&enable_queue_totals=true")
    return sum(found["messages"] for found in listed if found["name"] == queue)


def delayed(rabbitmq, vhost):
    """In all queues whose messages come back to `celery` later."""
    listed = rabbitmq.api("GET", f"queues/{vhost}?disable_stats=true&enable_queue_totals=true")
    return sum(q["messages"] for q in listed if q["name"].startswith("celeriac.delayed."))


def test_a_far_eta_waits_at_the_broker_and_comes_back(start, app, inspect, rabbitmq, vhost):
    worker = start(worker_eta_hold_limit=60)
    app.send_task("interop.add", [1, 2], countdown=3600)
    # The queue of shorter delays lets it go when it expires, and the worker gets it again.
    expires = app.send_task("interop.add", [1, 2], countdown=300, expires=3)
    with pytest.raises(TaskRevokedError, match="expired"):
        expires.get(timeout=TIMEOUT)
    worker.wait_until(
        lambda: messages(rabbitmq, vhost, "celeriac.delayed.1920.celery") == 1, "waiting task"
    )
    assert messages(rabbitmq, vhost, "celery") == 0
    assert inspect.scheduled() == {"w1@test": []}


@pytest.mark.parametrize(
    ("bound", "held"), [({"worker_held_messages": 2}, 2), ({"worker_held_bytes": 1}, 0)]
)
def test_etas_beyond_the_bound_wait_at_the_broker(
    start, app, inspect, rabbitmq, vhost, bound, held
):
    worker = start("-c", 1, "--prefetch-multiplier", 1, **bound)
    for number in range(5):
        app.send_task("interop.add", [number, 0], countdown=600)
    worker.wait_until(
        lambda: messages(rabbitmq, vhost, "celeriac.delayed.480.celery") == 5 - held, "the rest"
    )
    assert len(inspect.scheduled()["w1@test"]) == held
    assert app.send_task("interop.add", [1, 2]).get(timeout=TIMEOUT) == 3


# What would wait for an hour waits at the broker; what would wait for minutes, in the worker, or
# at the broker if there is no room for it.
@pytest.mark.parametrize(
    ("rate", "room", "held"), [("1/h", 100, 0), ("7/h", 100, 1), ("7/h", 0, 0)]
)
def test_a_rate_limited_type_does_not_block_others_of_its_queue(
    start, app, rabbitmq, vhost, tmp_path, rate, room, held
):
    worker = start(
        *("-c", 1, "--prefetch-multiplier", 1),
        task_annotations={"interop.note": {"rate_limit": rate}},
        worker_held_messages=room,
    )
    path = tmp_path / "marks"
    for number in range(20):
        app.send_task("interop.note", [number, str(path)])
    assert app.send_task("interop.add", [1, 2]).get(timeout=TIMEOUT) == 3
    assert marks_in(path) == ["0"]
    # All but the one that ran and those that are held went back.
    worker.wait_until(
        lambda: delayed(rabbitmq, vhost) == 19 - held, "the rest at the broker", TIMEOUT
    )


def test_follow_ups_wait_while_rabbitmq_is_away(start, app, rabbitmq, tmp_path):
    worker = start()
    gate, path = tmp_path / "gate", tmp_path / "marks"
    follow_up = app.signature("interop.note", [str(path)])
    app.send_task("interop.wait_at", [str(gate), str(path)], link=follow_up)
    worker.wait_until(lambda: marks_in(path), "started task")
    rabbitmq.stop()
    try:
        gate.touch()
        worker.wait_until(lambda: len(marks_in(path)) == 2, "ended task")
    finally:
        rabbitmq.start()
    worker.wait_until(lambda: marks_in(path)[2:] == ['"through"'], "follow-up", TIMEOUT)


def test_results_wait_within_bounds_while_redis_is_away(
    start, app, inspect, broker_url, redis_server, tmp_path
):
    worker = start("-c", 1, result_outbox_messages=2)
    path = tmp_path / "marks"
    client = celery.Celery("client", broker=broker_url, set_as_current=False)
    redis_server.stop()
    try:
        sent = [client.send_task("interop.note", [n, str(path)]) for n in range(6)]
        # Two results wait, or three if a task had its slot by then; the rest is not begun.
        worker.wait_for_log("Task interop.note.* received", count=6)
        waiting = len(inspect.reserved()["w1@test"])
        assert waiting in (3, 4)
        assert marks_in(path) == [str(n) for n in range(6 - waiting)]
    finally:
        redis_server.start()
        client.close()
    for result in sent:
        app.AsyncResult(result.id).get(timeout=TIMEOUT)
    assert marks_in(path) == ["0", "1", "2", "3", "4", "5"]
