"""A message that kills whatever runs it, or is always put back, comes to an end."""

import signal

import celery
import kombu
import pytest

from support.celeriac import CELERIAC

TASKS = CELERIAC.parent / "tests/interop/task_module/interop_tasks.so"
PREFORK = CELERIAC.parent / "modules/prefork_tasks.so"
TIMEOUT = 60
LIMIT = 3


@pytest.fixture(params=["classic", "quorum"])
def queue_arguments(request):
    return {
        "x-queue-type": request.param,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": "dead",
    }


@pytest.fixture
def app(app, queue_arguments):
    app.conf.task_queues = [kombu.Queue("celery", queue_arguments=queue_arguments)]
    with app.connection_for_write() as connection:
        kombu.Queue("dead", kombu.Exchange(""), "dead").bind(connection.channel()).declare()
    return app


@pytest.fixture
def start(celeriac, queue_arguments):
    settings = {
        "task_queues": [{"name": "celery", "queue_arguments": queue_arguments}],
        "worker_delivery_limit": LIMIT,
    }

    def start(*arguments, **options):
        return celeriac("-l", "info", *arguments, config={"worker": settings}, **options)

    return start


def dead_letter(app):
    """The only message that was dead-lettered; it comes after the result."""
    arrived = []
    with app.connection_for_read() as connection:
        queue = kombu.Queue("dead", channel=connection.channel())
        with kombu.Consumer(
            queue.channel, queue, no_ack=True, auto_declare=False, on_message=arrived.append
        ):
            while not arrived:
                connection.drain_events(timeout=TIMEOUT)
    (message,) = arrived
    return message


def assert_given_up(app, result):
    with pytest.raises(Exception, match=f"Delivered {LIMIT} times without") as failure:
        result.get(timeout=TIMEOUT)
    assert type(failure.value).__name__ == "WorkerLostError"
    message = dead_letter(app)
    assert message.headers["id"] == result.id
    assert message.headers["x-death"][0]["reason"] == "rejected"
    return message


def test_a_task_that_kills_its_child_ends_after_the_limit(app, start):
    worker = start("-A", PREFORK, "-P", "prefork", "-c", 2)
    assert_given_up(app, app.send_task("prefork.poison"))
    assert worker.log.count("exited with 'signal 6 (SIGABRT)'") == LIMIT
    assert app.send_task("prefork.add", [1, 2]).get(timeout=TIMEOUT) == 3


def test_a_task_that_is_always_put_back_ends_after_the_limit(app, start):
    worker = start("-A", TASKS)
    assert_given_up(app, app.send_task("interop.reject", [True]))
    assert worker.log.count("reject requeue=True") == LIMIT


def test_a_task_that_kills_its_worker_ends_after_the_limit(app, start, tmp_path):
    """What the worker had fetched behind it does not end with it."""
    path = tmp_path / "marks"
    poison = app.send_task("interop.kill_worker", [str(path)])
    innocent = app.send_task("interop.add", [1, 2])
    for _ in range(LIMIT):
        worker = start("-A", TASKS, "-c", 1, ready=None)
        worker.expected_exit = -signal.SIGKILL
        assert worker.wait(TIMEOUT) == -signal.SIGKILL
    start("-A", TASKS, "-c", 1)
    assert_given_up(app, poison)
    assert innocent.get(timeout=TIMEOUT) == 3
    assert path.read_text().splitlines() == [f"started {poison.id}"] * LIMIT


def counting_queues(rabbitmq, vhost):
    return [name for name in rabbitmq.queues(vhost) if name.startswith("celeriac.redelivered.")]


@pytest.fixture
def rpc(app, broker_url):
    """A client that gets its results by messages."""
    client = celery.Celery("rpc", broker=broker_url, backend="rpc://", set_as_current=False)
    client.conf.task_queues = app.conf.task_queues
    yield client
    client.close()


@pytest.mark.parametrize("queue_arguments", ["classic"], indirect=True)
@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_a_classic_queue_counts_where_no_redis_does(rpc, start, tmp_path, pool, rabbitmq, vhost):
    """Neither the poison nor what was fetched behind it is lost, and all get their results."""
    path = tmp_path / "marks"
    poison = rpc.send_task("interop.kill_worker", [str(path)], headers={"x-kept": "yes"})
    innocent = [rpc.send_task("interop.add", [n, 2]) for n in range(3)]
    late = rpc.send_task("interop.echo_late", [["kept"]], priority=3)
    options = ("-A", TASKS, "-c", 1, "-P", pool, "--result-backend", "rpc://")
    for _ in range(LIMIT):
        worker = start(*options, ready=None)
        worker.expected_exit = -signal.SIGKILL
        assert worker.wait(TIMEOUT) == -signal.SIGKILL
    worker = start(*options)
    assert assert_given_up(rpc, poison).headers["x-kept"] == "yes"
    assert [result.get(timeout=TIMEOUT) for result in innocent] == [2, 3, 4]
    assert late.get(timeout=TIMEOUT) == ["kept"]
    worker.wait_until(lambda: not counting_queues(rabbitmq, vhost), "end of the counts")
    assert path.read_text().splitlines() == [f"started {poison.id}"] * LIMIT


@pytest.mark.parametrize("queue_arguments", ["quorum"], indirect=True)
def test_a_quorum_queue_counts_where_no_redis_does(app, start, tmp_path, rabbitmq, vhost):
    path = tmp_path / "marks"
    poison = app.send_task("interop.kill_worker", [str(path)])
    for _ in range(LIMIT):
        worker = start("-A", TASKS, "--result-backend", "disabled", ready=None)
        worker.expected_exit = -signal.SIGKILL
        assert worker.wait(TIMEOUT) == -signal.SIGKILL
    worker = start("-A", TASKS, "--result-backend", "disabled")
    worker.wait_for_log(f"Delivered {LIMIT} times without coming to an end")
    worker.wait_until(lambda: rabbitmq.message_count(vhost, "dead") == 1, "dead letter")
    assert dead_letter(app).headers["id"] == poison.id
    assert path.read_text().splitlines() == [f"started {poison.id}"] * LIMIT
