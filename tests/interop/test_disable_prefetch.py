"""`--disable-prefetch` on RabbitMQ: a worker takes what it has free slots for, and no more."""

import kombu
import pytest

from support.celeriac import CELERIAC

MODULE = CELERIAC.parent / "tests/interop/task_module/interop_tasks.so"
TIMEOUT = 60


@pytest.fixture
def start(celeriac):
    def start(name, *arguments, **settings):
        arguments = ["-A", MODULE, "-n", name, "-c", 1, "--disable-prefetch", *arguments]
        return celeriac("-l", "info", *arguments, config={"worker": settings})

    return start


def marks_in(path):
    return path.read_text().splitlines() if path.exists() else []


def received(worker):
    return worker.log.count(" received")


@pytest.mark.parametrize("queue_type", ["classic", "quorum"])
@pytest.mark.parametrize("task", ["interop.wait_at", "interop.wait_at_late"])
def test_a_long_task_holds_no_other(start, app, rabbitmq, vhost, tmp_path, task, queue_type):
    if queue_type == "quorum":
        arguments = {"x-queue-type": "quorum"}
        app.conf.task_queues = [
            kombu.Queue("celery", kombu.Exchange("celery"), "celery", queue_arguments=arguments)
        ]
    busy = start("busy@test", task_default_queue_type=queue_type)
    gate, path = tmp_path / "gate", tmp_path / "marks"
    long = app.send_task(task, [str(gate), str(path)])
    busy.wait_until(lambda: marks_in(path), "started task")
    others = [app.send_task("interop.add", [n, 0]) for n in range(10)]
    free = start("free@test", task_default_queue_type=queue_type)
    assert [result.get(timeout=TIMEOUT) for result in others] == list(range(10))
    assert received(busy) == 1
    assert received(free) == 10
    gate.touch()
    assert long.get(timeout=TIMEOUT) == "through"
    # The busy one takes up work again.
    free.stop()
    assert app.send_task("interop.add", [1, 2]).get(timeout=TIMEOUT) == 3


def test_no_more_than_concurrency_messages_are_taken(start, app, rabbitmq, vhost, tmp_path):
    worker = start("w1@test", "-c", 3)
    gate, path = tmp_path / "gate", tmp_path / "marks"
    results = [app.send_task("interop.wait_at", [str(gate), str(path)]) for _ in range(8)]
    worker.wait_until(lambda: len(marks_in(path)) == 3, "three started tasks")
    inspect = app.control.inspect(destination=["w1@test"], timeout=10)
    assert inspect.reserved() == {"w1@test": []}
    # Early acks: what runs is not in the queue any more, what was not taken is, and ready.
    worker.wait_until(lambda: rabbitmq.message_count(vhost, "celery") == 5, "five messages")
    gate.touch()
    assert [result.get(timeout=TIMEOUT) for result in results] == ["through"] * 8
    assert received(worker) == 8


def test_what_comes_from_several_queues_at_once_is_given_back(start, app, tmp_path):
    worker = start("w1@test", "-Q", "a,b,c")
    gates, path = [tmp_path / "first", tmp_path / "second"], tmp_path / "marks"

    def wait_at(gate, queue):
        return app.send_task("interop.wait_at", [str(gate), str(path)], queue=queue)

    def ready():
        with app.connection_for_read() as connection:
            channel = connection.default_channel
            return sum(channel.queue_declare(name, passive=True).message_count for name in "abc")

    waiting = [wait_at(gates[0], "a")]
    worker.wait_until(lambda: len(marks_in(path)) == 1, "started task")
    waiting += [wait_at(gates[1], queue) for queue in "abc"]
    gates[0].touch()
    # Each queue sends one; the first of them runs.
    worker.wait_until(lambda: len(marks_in(path)) == 3 and ready() == 2, "the two others", TIMEOUT)
    others = [app.send_task("interop.add", [n, 0], queue="abc"[n % 3]) for n in range(30)]
    gates[1].touch()
    assert [result.get(timeout=TIMEOUT) for result in waiting] == ["through"] * 4
    assert [result.get(timeout=TIMEOUT) for result in others] == list(range(30))


def test_a_held_eta_takes_no_slot(start, app):
    worker = start("w1@test")
    held = app.send_task("interop.add", [1, 1], countdown=2)
    worker.wait_until(lambda: received(worker) == 1, "the held task")
    assert app.send_task("interop.add", [1, 2]).get(timeout=TIMEOUT) == 3
    assert held.get(timeout=TIMEOUT) == 2


def test_it_goes_on_after_the_connection_was_lost(start, app, rabbitmq, vhost, tmp_path):
    worker = start("w1@test")
    gate, path = tmp_path / "gate", tmp_path / "marks"
    long = app.send_task("interop.wait_at", [str(gate), str(path)])
    worker.wait_until(lambda: marks_in(path), "started task")
    rabbitmq.close_connections(vhost)
    worker.wait_for_log("Connected to", count=2)
    others = [app.send_task("interop.add", [n, 0], retry=True) for n in range(5)]
    gate.touch()
    assert long.get(timeout=TIMEOUT) == "through"
    assert [result.get(timeout=TIMEOUT) for result in others] == list(range(5))
