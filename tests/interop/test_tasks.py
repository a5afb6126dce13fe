"""What a task can do, seen by the Python that called it."""

import datetime
import json
import pathlib
import time
import uuid

import celery
import pytest
from celery.exceptions import TaskRevokedError

from support.celeriac import CELERIAC

MODULE = CELERIAC.parent / "tests/interop/task_module/interop_tasks.so"
TIMEOUT = 60


@pytest.fixture
def send(app):
    return app.send_task


@pytest.fixture
def worker(celeriac):
    """One worker with the tasks of tests/interop/task_module."""
    return celeriac("-l", "info", "-A", MODULE, "-c", 4)


@pytest.fixture
def sig(app):
    return lambda name, *args, **kwargs: app.signature(f"interop.{name}", args, kwargs)


class Marks:
    """The lines that tasks have written, and gates that they wait at."""

    def __init__(self, folder):
        self.path = folder / "marks"
        self.gate = folder / "gate"

    def lines(self):
        return self.path.read_text().splitlines() if self.path.exists() else []

    def open_gate(self):
        self.gate.touch()


@pytest.fixture
def marks(tmp_path):
    return Marks(tmp_path)


@pytest.mark.parametrize("name", ["interop.add", "interop.add_on_loop"])
def test_result_of_a_function_and_of_a_coroutine(worker, send, name):
    assert send(name, [2, 3]).get(timeout=TIMEOUT) == 5


def test_a_result_is_published_to_those_who_wait(worker, app):
    task_id = str(uuid.uuid4())
    with app.backend.client.pubsub() as subscription:
        subscription.subscribe(app.backend.get_key_for_task(task_id))
        assert subscription.get_message(timeout=TIMEOUT)["type"] == "subscribe"
        app.send_task("interop.add", [2, 3], task_id=task_id)
        published = json.loads(subscription.get_message(timeout=TIMEOUT)["data"])
    assert (published["status"], published["result"]) == ("SUCCESS", 5)


def test_arguments_bind_as_in_python(worker, send):
    assert send("interop.add", [2]).get(timeout=TIMEOUT) == 12
    assert send("interop.add", kwargs={"y": 1, "x": 2}).get(timeout=TIMEOUT) == 3
    for args, kwargs, text in [
        ([], {}, "add() missing 1 required positional argument: 'x'"),
        ([1, 2, 3], {}, "add() takes from 1 to 2 positional arguments but 3 were given"),
        ([1], {"z": 1}, "add() got an unexpected keyword argument 'z'"),
        (["1"], {}, "add() argument 'x' must be int, not str"),
    ]:
        with pytest.raises(TypeError) as failure:
            send("interop.add", args, kwargs).get(timeout=TIMEOUT)
        assert str(failure.value) == text


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -(2**63),
        2**70,
        0.1,
        "grün \U0001f331 \x00",
        [[], {}],
        {"a": [1, {"b": None}]},
        pytest.param(
            datetime.datetime(2026, 11, 23, 1, 2, 3, 4, tzinfo=datetime.UTC),
            marks=pytest.mark.needs_celery("5.3", "typed JSON"),
        ),
    ],
)
def test_values_come_back_as_they_went(worker, send, value):
    assert send("interop.echo", [value]).get(timeout=TIMEOUT) == value


def test_failure_raises_the_same_exception_in_python(worker, send):
    with pytest.raises(KeyError) as failure:
        send("interop.fail", ["KeyError", {"a": 1}]).get(timeout=TIMEOUT)
    assert failure.value.args == ({"a": 1},)
    result = send("interop.fail_on_pool")
    with pytest.raises(ValueError, match="from a thread"):
        result.get(timeout=TIMEOUT)
    assert "ValueError: from a thread" in result.traceback


def test_request_tells_what_the_message_said(worker, app):
    result = app.send_task("interop.describe", headers={"x-custom": "v"}, root_id="R")
    told = result.get(timeout=TIMEOUT)
    assert told["id"] == result.id
    assert told["task"] == "interop.describe"
    assert (told["root_id"], told["retries"], told["redelivered"]) == ("R", 0, False)
    assert told["queue"] == "celery"
    assert told["headers"]["x-custom"] == "v"


def test_extended_result_has_what_celerys_worker_stores(celeriac, send):
    celeriac(
        "-l", "info", "-A", MODULE, "-n", "w1@here", config={"worker": {"result_extended": True}}
    )
    result = send("interop.add", [2, 3])
    assert result.get(timeout=TIMEOUT) == 5
    assert (result.name, result.args, result.kwargs) == ("interop.add", [2, 3], {})
    assert (result.worker, result.retries, result.queue) == ("w1@here", 0, "celery")
    assert abs(result.date_done - datetime.datetime.now(datetime.UTC)) < (
        datetime.timedelta(minutes=1)
    )


def test_a_task_that_has_succeeded_does_not_fail_later(worker, send):
    """As with Celery: a message that comes twice may not take the result away."""
    result = send("interop.add", [2, 3])
    assert result.get(timeout=TIMEOUT) == 5
    again = send("interop.fail", ["ValueError", "late"], task_id=result.id)
    worker.wait_for_log(r"raised unexpected: ValueError\('late'\)")
    assert (again.state, again.result) == ("SUCCESS", 5)


def test_retry_runs_again_under_the_same_id(worker, send):
    assert send("interop.retry_until", [3]).get(timeout=TIMEOUT) == 3
    worker.wait_for_log(r"retry: Retry in 0s: not yet")


def test_retry_waits_for_its_countdown(worker, send):
    begun = time.monotonic()
    assert send("interop.retry_until", [1, 0.5]).get(timeout=TIMEOUT) == 1
    assert time.monotonic() - begun >= 0.5


@pytest.mark.parametrize(
    ("task", "args", "options", "state"),
    [
        ("interop.retry_until", [1, 600], {}, "RETRY"),
        ("interop.add", [1, 2], {"countdown": 600}, "PENDING"),
    ],
)
def test_a_countdown_is_an_eta_to_the_worker(worker, app, task, args, options, state):
    begun = datetime.datetime.now(datetime.UTC)
    result = app.send_task(task, args, **options)

    def scheduled():
        (tasks,) = app.control.inspect(timeout=TIMEOUT, limit=1).scheduled().values()
        return tasks

    (waits,) = worker.wait_until(scheduled, "a task that waits", TIMEOUT)
    assert waits["request"]["id"] == result.id
    after = datetime.datetime.fromisoformat(waits["eta"]) - datetime.timedelta(seconds=600)
    assert begun <= after <= datetime.datetime.now(datetime.UTC)
    assert result.state == state


def test_retries_end_with_the_cause(worker, send):
    with pytest.raises(KeyError, match="gone"):
        send("interop.retry_with_cause").get(timeout=TIMEOUT)
    worker.wait_for_log(r"retry: Retry in 0s: KeyError\('gone'\)", count=2)


def test_autoretry_backs_off_and_succeeds(worker, send):
    assert send("interop.fail_at_first").get(timeout=TIMEOUT) == 2


def test_countdown_holds_the_task(worker, send):
    begun = time.monotonic()
    assert send("interop.add", [1, 2], countdown=0.5).get(timeout=TIMEOUT) == 3
    assert time.monotonic() - begun >= 0.5


def test_many_held_tasks_do_not_starve_the_queue(celeriac, send):
    celeriac("-l", "info", "-A", MODULE, "-c", 1, "--prefetch-multiplier", 2)
    held = [send("interop.add", [1, n], countdown=600) for n in range(20)]
    assert send("interop.add", [1, 2]).get(timeout=TIMEOUT) == 3
    assert all(result.state == "PENDING" for result in held)


def test_far_eta_goes_back_to_the_broker(celeriac, send, rabbitmq, vhost):
    worker = celeriac("-l", "info", "-A", MODULE)
    send("interop.add", [1, 2], countdown=3600)
    worker.wait_until(lambda: rabbitmq.message_count(vhost, "celery") == 0, "empty queue")
    assert rabbitmq.message_count(vhost, "celeriac.delayed.1920.celery") == 1


def test_expired_task_is_revoked(worker, send):
    result = send("interop.add", [1, 2], countdown=1, expires=0.3)
    with pytest.raises(TaskRevokedError, match="expired"):
        result.get(timeout=TIMEOUT)
    worker.wait_for_log(r"Discarding revoked task: interop\.add\[" + result.id)


def test_rate_limit_spreads_its_tasks_and_holds_up_no_other(worker, send, marks):
    begun = time.monotonic()
    limited = [send("interop.limited", [n, str(marks.path)]) for n in range(5)]
    assert send("interop.add", [1, 2]).get(timeout=TIMEOUT) == 3
    for result in limited:
        result.get(timeout=TIMEOUT)
    assert marks.lines() == ["0", "1", "2", "3", "4"]
    assert time.monotonic() - begun >= 0.8  # 5/s: so long after the first may the last go


def test_soft_limit_can_be_survived(worker, send):
    assert send("interop.survive_soft_limit").get(timeout=TIMEOUT) == "soft limit"


def test_limits_of_the_message_end_a_coroutine(worker, send, marks):
    from billiard.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded

    sleep = ("interop.sleep_for", [60, str(marks.path)])
    with pytest.raises(SoftTimeLimitExceeded):
        send(*sleep, soft_time_limit=0.2).get(timeout=TIMEOUT)
    with pytest.raises(TimeLimitExceeded):
        send(*sleep, time_limit=0.2).get(timeout=TIMEOUT)
    assert [line for line in marks.lines() if line.startswith("ended")] == []


@pytest.mark.parametrize(
    ("task", "options"),
    [
        pytest.param(
            *("interop.quiet", {}),
            marks=pytest.mark.needs_celery("5.6.3", "send_task leaves the choice to the task"),
        ),
        ("interop.add", {"ignore_result": True}),
    ],
)
def test_ignore_result_stores_nothing(worker, send, task, options):
    quiet = send(task, [1, 2], **options)
    assert send("interop.add", [1, 2]).get(timeout=TIMEOUT) == 3
    worker.wait_for_log(rf"{task}\[{quiet.id}\] succeeded")
    assert quiet.state == "PENDING"


def test_a_caller_that_wants_the_result_gets_it(worker, send):
    """As with a Celery worker since 5.6.3; a client of Celery 5.2 always asks for it."""
    assert send("interop.quiet", [1, 2], ignore_result=False).get(timeout=TIMEOUT) == 3


def test_started_is_stored_when_tracked(worker, send, marks):
    result = send("interop.tracked", [str(marks.gate), str(marks.path)])
    worker.wait_until(lambda: result.state == "STARTED", "state STARTED")
    assert result.info["pid"] == worker.pid
    marks.open_gate()
    assert result.get(timeout=TIMEOUT) == "through"


def test_progress_can_be_read_while_the_task_runs(worker, send, marks):
    result = send("interop.progress", [str(marks.gate)])
    worker.wait_until(lambda: result.state == "PROGRESS", "state PROGRESS")
    assert result.info == {"done": 1, "of": 2}
    marks.open_gate()
    assert result.get(timeout=TIMEOUT) is None


def test_a_rejected_task_has_failed_and_an_ignored_one_leaves_no_result(worker, send):
    rejected, ignored = send("interop.reject", [False]), send("interop.ignore")
    worker.wait_for_log(r"reject requeue=False: no reason")
    worker.wait_for_log(r"interop\.ignore\[.*ignored")
    with pytest.raises(Exception, match="no reason") as failure:  # as Celery 5.7 has it
        rejected.get(timeout=TIMEOUT)
    assert type(failure.value).__name__ == "Reject"
    assert ignored.state == "PENDING"


def test_replaced_task_ends_as_its_replacement(worker, send):
    assert send("interop.replace_with_add", [20, 3]).get(timeout=TIMEOUT) == 23


def test_task_sends_a_task_and_awaits_it(worker, send):
    result = send("interop.send_add", [20, 3])
    assert result.get(timeout=TIMEOUT) == 23
    assert [child.get(timeout=TIMEOUT) for child in result.children] == [23]


def test_function_on_a_thread_sends_a_task(worker, send, app):
    (id_, _parent), _ = send("interop.send_from_thread", [20, 3]).get(timeout=TIMEOUT)
    assert app.AsyncResult(id_).get(timeout=TIMEOUT) == 23


def test_coroutine_offloads_work(worker, send):
    assert send("interop.offload_sum", [20, 3]).get(timeout=TIMEOUT) == 23


def test_callback_and_error_callback(worker, send, sig, marks):
    send("interop.add", [2, 3], link=sig("note", str(marks.path))).get(timeout=TIMEOUT)
    worker.wait_until(lambda: marks.lines() == ["5"], "callback's mark")
    failing = send("interop.fail", ["ValueError", 1], link_error=sig("note", str(marks.path)))
    with pytest.raises(ValueError):
        failing.get(timeout=TIMEOUT)
    error_callback = ["5", f'"{failing.id}"']
    worker.wait_until(lambda: marks.lines() == error_callback, "error callback's mark")


def test_chain_group_and_chord(worker, sig):
    add, total = sig("add", 10), sig("total")
    chain = sig("add", 1, 2) | add | add
    assert chain.apply_async().get(timeout=TIMEOUT) == 23
    group = celery.group(sig("add", n, n) for n in range(5))
    assert group.apply_async().get(timeout=TIMEOUT) == [0, 2, 4, 6, 8]
    assert celery.chord(list(group.tasks), total).apply_async().get(timeout=TIMEOUT) == 20
    nested = celery.group(sig("add", 1, 1), sig("add", 2, 2)) | total | add
    assert nested.apply_async().get(timeout=TIMEOUT) == 16


def test_failed_chain_and_chord_fail_as_a_whole(worker, app, sig):
    chained = (sig("fail", "ValueError", "first") | sig("add", 1)).apply_async()
    with pytest.raises(ValueError, match="first"):
        chained.get(timeout=TIMEOUT)
    # The link that never ran has failed itself; nobody has to know of the one before it.
    with pytest.raises(ValueError, match="first"):
        app.AsyncResult(chained.id).get(timeout=TIMEOUT)
    chord = celery.chord([sig("add", 1, 1), sig("fail", "ValueError", "inside")], sig("total"))
    body = app.AsyncResult(chord.apply_async().id)
    with pytest.raises(celery.exceptions.ChordError, match=r"ValueError\('inside'\)"):
        body.get(timeout=TIMEOUT)


def test_task_in_another_queue_is_left_alone(celeriac, send, rabbitmq, vhost):
    worker = celeriac("-l", "info", "-A", MODULE, "-Q", "mine")
    left = send("interop.add", [1, 2])
    assert send("interop.add", [1, 2], queue="mine").get(timeout=TIMEOUT) == 3
    worker.stop()
    assert rabbitmq.message_count(vhost, "celery") == 1
    assert left.id not in worker.log


def test_module_is_where_the_build_puts_it():
    assert pathlib.Path(MODULE).exists(), f"{MODULE} is missing; build the target interop_tasks"
