"""Queues: their kinds, which of them are consumed, and the brokers they are on."""

import signal
import subprocess

import kombu
import pytest
from celery.utils.nodenames import worker_direct

from support.celeriac import CELERIAC
from support.servers import RabbitMQ

MODULE = CELERIAC.parent / "tests/interop/task_module/interop_tasks.so"
TIMEOUT = 60


@pytest.fixture
def start(celeriac):
    def start(*arguments, **settings):
        arguments = ["-l", "info", "-A", MODULE, "-n", "w1@test", *arguments]
        return celeriac(*arguments, config={"worker": settings})

    return start


def marks_in(path):
    return path.read_text().splitlines() if path.exists() else []


def arguments_of(rabbitmq, vhost, queue):
    return rabbitmq.queue(vhost, queue)["arguments"]


@pytest.mark.needs_celery("5.5", "it has the setting")
def test_the_default_queue_is_of_the_type_that_is_set(start, app, rabbitmq, vhost):
    start(task_default_queue_type="quorum")
    app.conf.task_default_queue_type = "quorum"
    assert app.send_task("interop.add", [1, 2]).get(timeout=TIMEOUT) == 3
    assert arguments_of(rabbitmq, vhost, "celery") == {"x-queue-type": "quorum"}


@pytest.mark.needs_celery("5.6", "it has the setting")
def test_a_created_queue_is_of_the_type_that_is_set(start, app, rabbitmq, vhost):
    start("-Q", "made", task_create_missing_queue_type="quorum")
    app.conf.task_create_missing_queue_type = "quorum"
    assert app.send_task("interop.add", [1, 2], queue="made").get(timeout=TIMEOUT) == 3
    assert arguments_of(rabbitmq, vhost, "made") == {"x-queue-type": "quorum"}


def test_a_missing_queue_is_refused_where_none_may_be_created():
    run = subprocess.run(
        [CELERIAC, "worker", "-Q", "celery,nowhere", "task_create_missing_queues=false"],
        capture_output=True,
        text=True,
    )
    assert run.returncode != 0
    refused = "Trying to select queue subset of ['celery', 'nowhere'], but queue 'nowhere' isn't"
    assert f"{refused} defined in the `task_queues` setting." in run.stderr
    assert "enable the `task_create_missing_queues` setting." in run.stderr


def test_priorities_are_seen_in_their_order(start, app, tmp_path):
    app.conf.task_queue_max_priority = 10
    path = tmp_path / "marks"
    for priority in (0, 5, 9, 2, 5):
        app.send_task("interop.note", [priority, str(path)], priority=priority)
    worker = start("-c", 1, "--prefetch-multiplier", 1, task_queue_max_priority=10)
    worker.wait_until(lambda: len(marks_in(path)) == 5, "five notes")
    assert marks_in(path) == ["9", "5", "5", "2", "0"]


def test_selected_queues_alone_are_consumed(start, app, rabbitmq, vhost):
    start("-Q", "one,two", "-X", "two", task_queues={"one": {}, "two": {}, "three": {}})
    assert app.send_task("interop.add", [1, 2], queue="one").get(timeout=TIMEOUT) == 3
    inspect = app.control.inspect(destination=["w1@test"], timeout=10)
    assert [queue["name"] for queue in inspect.active_queues()["w1@test"]] == ["one"]
    assert {queue["name"] for queue in rabbitmq.api("GET", f"queues/{vhost}")} & {
        "two",
        "three",
    } == set()


def test_purge_erases_what_waits(start, app):
    old = [app.send_task("interop.add", [n, n]) for n in range(3)]
    worker = start("--purge")
    assert "purge: Erased 3 messages from the queue." in worker.log
    assert app.send_task("interop.add", [1, 2]).get(timeout=TIMEOUT) == 3
    assert [result.state for result in old] == ["PENDING"] * 3


def test_a_worker_has_a_queue_of_its_own(start, app):
    start(worker_direct=True, task_queue_max_priority=5)
    app.conf.task_queue_max_priority = 5
    queue = worker_direct("w1@test")
    queue.queue_arguments = {"x-max-priority": 5}
    result = app.send_task("interop.describe", queue=queue)
    assert result.get(timeout=TIMEOUT)["queue"] == "w1@test.dq2"


def test_a_failed_task_is_acknowledged_rejected_or_put_back_as_its_type_says(
    start, app, rabbitmq, vhost
):
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    app.conf.task_queues = [kombu.Queue("celery", queue_arguments=arguments)]
    late = {"acks_late": True}
    worker = start(
        task_queues={"celery": {"queue_arguments": arguments}},
        worker_delivery_limit=2,
        task_annotations={
            "interop.fail": {**late, "acks_on_failure": False},
            "interop.fail_on_pool": {**late, "acks_on_failure": True, "acks_on_timeout": False},
            "interop.sleep_for": {**late, "time_limit": 0.1, "acks_on_timeout": True},
            "interop.wait_at": {**late, "time_limit": 0.1, "acks_on_timeout": False},
        },
    )
    with app.connection_for_write() as connection:
        channel = connection.channel()
        kombu.Queue("dead", kombu.Exchange(""), "dead").bind(channel).declare()
        rejected = app.send_task("interop.fail", ["KeyError", "x"])
        acknowledged = app.send_task("interop.fail_on_pool")
        timed_out = app.send_task("interop.sleep_for", [60, "/dev/null"])
        for result in (rejected, acknowledged, timed_out):
            result.get(timeout=TIMEOUT, propagate=False)
        # Put back when it times out, as in Celery; at the end given up.
        put_back = app.send_task("interop.wait_at", ["/no/gate", "/dev/null"])
        worker.wait_for_log("Delivered 2 times without coming to an end")
        worker.wait_until(lambda: rabbitmq.message_count(vhost, "dead") == 2, "dead letters")
        dead = [channel.basic_get("dead", no_ack=True) for _ in range(2)]
        assert [message.headers["id"] for message in dead] == [rejected.id, put_back.id]
        assert channel.basic_get("dead") is None
    assert type(timed_out.result).__name__ == "TimeLimitExceeded"
    assert acknowledged.state == "FAILURE"


def test_the_next_broker_of_the_list_is_taken(celeriac, app, broker_url, rabbitmq, vhost):
    with RabbitMQ() as other:
        away = "amqp://guest:guest@127.0.0.1:1//"
        worker = celeriac("-l", "info", "-A", MODULE, "-b", f"{away};{other.url()};{broker_url}")
        assert "Will retry using next failover." in worker.log
        worker.wait_for_log(rf"Connected to amqp://celeriac:\*\*@127.0.0.1:{other.port}/")
        other.kill()
        worker.wait_for_log(rf"Connected to amqp://celeriac:\*\*@127.0.0.1:{rabbitmq.port}/")
        assert app.send_task("interop.add", [1, 2]).get(timeout=TIMEOUT) == 3
        worker.stop(signal.SIGTERM)
