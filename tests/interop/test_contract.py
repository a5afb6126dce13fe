"""The task contract of `celery worker`, capability by capability: docs/compatibility.md links here.

What Celery's own integration suite and the neighbouring files check is not repeated.
"""

import datetime
import decimal
import json
import subprocess
import uuid

import celery
import kombu
import kombu.compression
import pytest
from celery.exceptions import MaxRetriesExceededError, TaskRevokedError

from support.celeriac import CELERIAC
from support.fake_http import Answer, FakeService

MODULE = CELERIAC.parent / "modules/contract_tasks.so"
TIMEOUT = 30
UTC = datetime.UTC
needs_stamps = pytest.mark.needs_celery("5.3", "stamps")
needs_typed_json = pytest.mark.needs_celery("5.3", "typed JSON")

ALL_CONTENT = {"accept_content": ["json", "yaml", "msgpack"]}


@pytest.fixture
def start(celeriac):
    """Starts a worker with these settings."""

    def start(*arguments, ready="wait", **settings):
        arguments = ("-l", "INFO", "-A", MODULE, "-n", "w1@test", *arguments)
        return celeriac(*arguments, config={"worker": settings}, ready=ready)

    return start


@pytest.fixture
def worker(start):
    return start()


@pytest.fixture
def call(app):
    """Calls a task by its short name and returns what it returned."""

    def call(name, *args, **options):
        return app.send_task(f"contract.{name}", args, **options).get(timeout=TIMEOUT)

    return call


@pytest.fixture
def sig(app):
    def sig(name, *args, **options):
        return app.signature(f"contract.{name}", args=args, **options)

    return sig


def as_json(signature):
    return json.loads(json.dumps(signature))


@pytest.fixture
def message_in(app):
    """Takes one message from a queue that no worker consumes: the kombu message."""

    def message_in(worker, name):
        with app.connection_for_read() as connection:
            queue = kombu.Queue(name, channel=connection.default_channel)
            queue.declare()
            message = worker.wait_until(
                lambda: queue.get(no_ack=True, accept=["json", "yaml", "msgpack"]),
                f"message in {name}",
                TIMEOUT,
            )
            message.decode()
            return message

    return message_in


DEAD_LETTERS = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
WORK = {"work": {"exchange": "", "routing_key": "work", "queue_arguments": DEAD_LETTERS}}


@pytest.fixture
def work(app, rabbitmq, vhost):
    """Sends to the queue `work`, whose rejected messages arrive in the queue `dead`."""
    with app.connection_for_write() as connection:
        connection.default_channel.queue_declare("dead", durable=True, auto_delete=False)
    queue = kombu.Queue("work", kombu.Exchange(""), "work", queue_arguments=DEAD_LETTERS)

    class Work:
        def send(self, name, *args):
            return app.send_task(f"contract.{name}", args, queue=queue)

        def is_dead(self):
            return rabbitmq.message_count(vhost, "dead") == 1

    return Work()


# --- messages --------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", [None, "zlib", "bzip2", "lzma", "zstd"])
@pytest.mark.parametrize("serializer", ["json", "yaml", "msgpack"])
def test_a_message_comes_and_goes_in_each_serializer_and_compression(
    start, app, call, sig, message_in, serializer, compression
):
    worker = start(**ALL_CONTENT)
    how = {"serializer": serializer, "compression": compression}
    value = ["grün", 1.5, None, {"deep": [1, 2]}]
    assert call("echo", value, **how) == value
    child = sig("echo", value, options={**how, "queue": "elsewhere"})
    child_id = call("send", as_json(child), **how)
    message = message_in(worker, "elsewhere")
    assert message.headers["id"] == child_id
    assert message.payload[0] == [value]
    assert message.content_type == kombu.serialization.registry.name_to_type[serializer]
    if compression:
        assert message.headers["compression"] == kombu.compression.get_encoder(compression)[1]
    else:
        assert "compression" not in message.headers


def test_what_a_task_sends_follows_the_settings(start, call, sig, message_in):
    worker = start(task_serializer="msgpack", task_compression="zstd", **ALL_CONTENT)
    call("send", as_json(sig("echo", 1, options={"queue": "elsewhere"})))
    message = message_in(worker, "elsewhere")
    assert message.content_type == "application/x-msgpack"
    assert message.headers["compression"] == "application/zstd"
    assert message.payload[0] == [1]


@pytest.mark.parametrize("serializer", ["yaml", "msgpack", "pickle"])
def test_content_that_is_not_accepted_is_refused(start, app, call, serializer):
    worker = start(accept_content=["json"])
    app.send_task("contract.echo", [1], serializer=serializer)
    content = kombu.serialization.registry.name_to_type[serializer]
    worker.wait_for_log(
        "Received invalid task message: Refusing to deserialize "
        rf"(untrusted|disabled) content of type {serializer} \({content}\)"
    )
    assert call("echo", 2) == 2


def test_a_worker_does_not_start_to_accept_pickle(start):
    worker = start(accept_content=["json", "pickle"], ready=None)
    worker.expected_exit = 1
    assert worker.wait(TIMEOUT) == 1
    assert "accept_content names pickle, which is never read here" in worker.log


@needs_typed_json
@pytest.mark.parametrize(
    "value",
    [
        datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        datetime.datetime(2026, 1, 2, 3, 4, 5),
        datetime.date(2026, 1, 2),
        datetime.time(3, 4, 5, 6),
        decimal.Decimal("1.50"),
        uuid.UUID("12345678123456781234567812345678"),
        b"abc",
        b"\xff\xfe",
        {"deep": [decimal.Decimal("0.1"), {"__type__": "decimal", "more": 1}]},
    ],
    ids=repr,
)
def test_typed_json_comes_and_goes(worker, call, sig, message_in, value):
    assert call("echo", value) == value
    child = sig("echo", value, options={"queue": "elsewhere"})
    call("send", child)
    assert message_in(worker, "elsewhere").payload[0] == [value]


def test_clients_of_protocol_1(worker, app, call, sig):
    """`task_protocol = 1`, Celery 3.1's: what the caller says is in the body."""
    app.conf.task_protocol = 1
    assert call("echo", 1) == 1
    chain = sig("echo", 3) | sig("tell", 4)
    told = chain.apply_async().get(timeout=TIMEOUT)
    assert told["args"] == [3, 4]
    late = app.send_task("contract.echo", [1], countdown=0.3, expires=0.1)
    with pytest.raises(TaskRevokedError, match="expired"):
        late.get(timeout=TIMEOUT)
    with pytest.raises(Exception, match="SoftTimeLimitExceeded"):
        app.send_task("contract.sleep", [60], soft_time_limit=0.2).get(timeout=TIMEOUT)
    group = celery.group(sig("echo", n) for n in range(3))
    assert group.apply_async().get(timeout=TIMEOUT) == [0, 1, 2]


TRACE = {
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "tracestate": "vendor=opaque",
    "baggage": "tenant=red",
    "sentry-trace": "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
    "x-custom": "v",
}


def follow_ups(sig):
    """Ways in which one task leads to a message in the queue `elsewhere`."""
    after = sig("echo", 1, immutable=True, options={"queue": "elsewhere"})
    yield "retry", sig("retry", {"queue": "elsewhere"})
    yield "sub-task", sig("send", as_json(after))
    yield "callback", sig("echo", 1).set(link=after)
    yield "error callback", sig("fail", "boom").set(link_error=after)
    yield "replacement", sig("replace", as_json(after))
    yield "next of a chain", sig("echo", 1) | after
    yield "body of a chord", celery.chord([sig("echo", 1)], after)


@pytest.mark.parametrize(
    "way",
    [
        *("retry", "sub-task", "callback", "error callback", "replacement"),
        *("next of a chain", "body of a chord"),
    ],
)
def test_custom_headers_and_trace_context_go_along(worker, sig, message_in, way):
    dict(follow_ups(sig))[way].apply_async(headers=TRACE)
    headers = message_in(worker, "elsewhere").headers
    assert {name: headers.get(name) for name in TRACE} == TRACE


def test_headers_in_a_table_of_their_own_stay_there(worker, app, sig, message_in):
    """Sentry and Datadog write theirs beside Celery's and into a table `headers`."""
    both = {**TRACE, "sentry-task-enqueued-time": 1.5}
    app.send_task("contract.retry", [{"queue": "elsewhere"}], headers={**both, "headers": both})
    headers = message_in(worker, "elsewhere").headers
    for place in (headers, headers["headers"]):
        assert {name: place[name] for name in TRACE} == TRACE
        assert place["sentry-task-enqueued-time"] > 1.5  # of this message


def test_a_signatures_own_headers_win(worker, app, sig, message_in):
    child = sig("echo", 1, options={"queue": "elsewhere", "headers": {"x-custom": "own"}})
    app.send_task("contract.send", [as_json(child)], headers=TRACE)
    headers = message_in(worker, "elsewhere").headers
    assert headers["x-custom"] == "own"
    assert headers["traceparent"] == TRACE["traceparent"]


class Page(FakeService):
    """Keeps the headers of the last request."""

    def answer(self, request):
        self.headers = request.headers
        return Answer(body="some words")


def test_http_requests_belong_to_the_trace(celeriac, app):
    celeriac("-l", "INFO", "-A", CELERIAC.parent / "examples/module/news_tasks.so")
    with Page() as page:
        result = app.send_task("news.summarize", [page.base_url], headers=TRACE)
        assert result.get(timeout=TIMEOUT) == "some words"
        assert page.headers["traceparent"] == TRACE["traceparent"]
        assert page.headers["tracestate"] == TRACE["tracestate"]
        assert "baggage" not in page.headers  # may be private


@needs_stamps
def test_extended_results_have_the_stamps(start, app, sig):
    start(result_extended=True)
    stamped = sig("echo", 1)
    stamped.stamp(team="red")
    result = stamped.apply_async()
    assert result.get(timeout=TIMEOUT) == 1
    meta = app.backend.get_task_meta(result.id)
    assert (meta["stamped_headers"], meta["team"]) == (["team"], "red")


# --- a task's life ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "dead"),
    [
        ({}, False),
        ({"task_acks_on_failure_or_timeout": False}, True),
        ({"task_acks_on_failure": False}, True),
        ({"task_annotations": {"contract.fail_late": {"acks_on_failure": False}}}, True),
        ({"task_annotations": {"*": {"acks_on_failure_or_timeout": False}}}, True),
        ({"task_annotations": {"other": {"acks_on_failure_or_timeout": False}}}, False),
    ],
)
def test_what_fails_is_acknowledged_or_dead_lettered(start, work, rabbitmq, vhost, settings, dead):
    worker = start("-Q", "work", task_queues=WORK, **settings)
    with pytest.raises(ValueError, match="boom"):
        work.send("fail_late", "boom").get(timeout=TIMEOUT)
    if dead:
        worker.wait_until(work.is_dead, "dead letter")
    worker.stop()
    assert rabbitmq.message_count(vhost, "work") == 0
    assert work.is_dead() == dead


def test_a_task_that_timed_out_is_put_back_if_it_is_not_acknowledged(start, app, rabbitmq, vhost):
    worker = start(task_acks_on_timeout=False, worker_delivery_limit=2)
    result = app.send_task("contract.sleep_late", [60], time_limit=0.2)
    worker.wait_for_log(rf"Task contract.sleep_late\[{result.id}\] received", count=2)
    with pytest.raises(Exception, match=r"0\.2"):
        result.get(timeout=TIMEOUT)


def test_reject_puts_back_or_dead_letters(start, work):
    worker = start("-Q", "work", task_queues=WORK)
    assert work.send("reject", True).get(timeout=TIMEOUT) == "came again"
    work.send("reject", False)
    worker.wait_until(work.is_dead, "dead letter")


def test_a_retry_may_change_arguments_and_queue(start, call):
    start("-Q", "celery,other")
    told = call("retry", {"args": [{}, "new"], "queue": "other", "reason": "again"}, "old")
    assert told["args"] == [{}, "new"]
    assert (told["retries"], told["queue"]) == (1, "other")
    assert call("retry", {"kwargs": {"other": "named"}}, "old")["args"] == [
        {"kwargs": {"other": "named"}},
        "named",
    ]


def test_a_retry_beyond_the_last_fails(worker, app, call):
    with pytest.raises(MaxRetriesExceededError, match=r"Can't retry contract.retry\["):
        call("retry", {"max_retries": 0})


def test_errors_are_stored_even_if_results_are_ignored(start, app):
    worker = start(task_store_errors_even_if_ignored=True)
    result = app.send_task("contract.fail_quietly", ["stored"], ignore_result=True)
    worker.wait_until(lambda: result.state == "FAILURE", "stored failure")
    assert result.info.args == ("stored",)


def test_errors_of_ignored_tasks_are_not_stored(worker, app):
    result = app.send_task("contract.fail_quietly", ["lost"], ignore_result=True)
    worker.wait_for_log(r"raised unexpected: ValueError\('lost'\)")
    assert app.send_task("contract.echo", [1]).get(timeout=TIMEOUT) == 1
    assert result.state == "PENDING"


def test_an_expected_error_is_no_error_in_the_log(worker, app):
    """`throws`: the task has failed all the same."""
    with pytest.raises(ValueError, match="boom"):
        app.send_task("contract.fail_as_expected", ["boom"]).get(timeout=TIMEOUT)
    worker.wait_for_log(r": INFO/MainProcess\] Task \S+ raised expected: ValueError\('boom'\)")


def test_higher_priorities_run_first(start, app, tmp_path, rabbitmq, vhost):
    settings = {"task_queue_max_priority": 10, "worker_prefetch_multiplier": 1}
    worker = start("-c", 1, **settings)
    app.conf.task_queue_max_priority = 10
    gate, path = tmp_path / "gate", tmp_path / "marks"
    app.send_task("contract.pass", ["first", str(path), str(gate)])
    worker.wait_until(path.exists, "first task")
    # The window of one message holds the second; the broker orders the rest.
    app.send_task("contract.pass", ["second", str(path)])
    worker.wait_for_log(r"contract\.pass\[.*received", count=2)
    last = [
        app.send_task("contract.pass", [str(priority), str(path)], priority=priority)
        for priority in (1, 9, 5)
    ]
    worker.wait_until(lambda: rabbitmq.message_count(vhost, "celery") == 4, "the last messages")
    gate.touch()
    for result in last:
        result.get(timeout=TIMEOUT)
    ran = [line for line in path.read_text().split() if line.isdigit()]
    assert ran == ["9", "5", "1"]


@pytest.mark.parametrize("inherit", [False, True])
def test_children_have_their_parents_priority_if_the_setting_says_so(
    start, app, call, sig, message_in, inherit
):
    worker = start(task_inherit_parent_priority=inherit)
    child = sig("echo", 1, options={"queue": "elsewhere"})
    call("send", as_json(child), priority=7)
    assert message_in(worker, "elsewhere").properties["priority"] == (7 if inherit else 0)
    call("send", as_json(child.set(priority=3)), priority=7)
    assert message_in(worker, "elsewhere").properties["priority"] == 3


def test_a_retry_keeps_its_priority(worker, call):
    told = call("retry", {}, priority=7)
    assert (told["retries"], told["priority"]) == (1, 7)


def test_a_task_sends_to_no_queue_that_may_not_be_made(start, call, sig):
    start(task_create_missing_queues=False)
    child = as_json(sig("echo", 1, options={"queue": "nowhere"}))
    with pytest.raises(Exception, match="queue 'nowhere' is missing from task_queues"):
        call("send", child)


SHANGHAI = datetime.timezone(datetime.timedelta(hours=8))


@pytest.mark.parametrize("zone", [None, UTC, SHANGHAI, "client's"])
def test_an_eta_of_each_zone(worker, app, call, zone):
    """One without a zone is UTC, as every Celery worker reads it."""
    soon = datetime.datetime.now(UTC) + datetime.timedelta(seconds=0.5)
    if zone == "client's":
        app.conf.update(timezone="Asia/Shanghai", enable_utc=False)
        zone = SHANGHAI
    eta = soon.astimezone(zone) if zone else soon.replace(tzinfo=None)
    call("echo", 1, eta=eta)
    assert datetime.datetime.now(UTC) >= soon


@pytest.mark.parametrize(
    "expires",
    [
        0.2,
        datetime.timedelta(seconds=0.2),
        lambda: datetime.datetime.now(UTC) + datetime.timedelta(seconds=0.2),
        lambda: datetime.datetime.now(SHANGHAI) + datetime.timedelta(seconds=0.2),
    ],
    ids=["seconds", "timedelta", "UTC", "another zone"],
)
def test_expires_in_each_form(worker, app, expires):
    at = expires() if callable(expires) else expires
    if isinstance(at, datetime.timedelta):
        at = at.total_seconds()
    result = app.send_task("contract.echo", [1], countdown=1, expires=at)
    with pytest.raises(TaskRevokedError, match="expired"):
        result.get(timeout=TIMEOUT)


@needs_stamps
def test_tasks_are_revoked_by_their_stamps(worker, app, sig):
    (answer,) = app.control.revoke_by_stamped_headers(
        {"team": ["red"]}, reply=True, limit=1, timeout=10
    )
    assert "flagged as revoked" in answer["w1@test"]["ok"]
    red, blue = sig("echo", 1), sig("echo", 2)
    red.stamp(team="red")
    blue.stamp(team="blue")
    revoked, allowed = red.apply_async(), blue.apply_async()
    assert allowed.get(timeout=TIMEOUT) == 2
    with pytest.raises(TaskRevokedError, match="revoked"):
        revoked.get(timeout=TIMEOUT)


@needs_stamps
def test_running_tasks_are_terminated_by_their_stamps(worker, app, sig, tmp_path):
    path, gate = tmp_path / "marks", tmp_path / "gate"
    running = sig("pass", "runs", str(path), str(gate))
    running.stamp(team="red")
    result = running.apply_async()
    worker.wait_until(path.exists, "running task")
    app.control.revoke_by_stamped_headers({"team": ["red"]}, terminate=True)
    with pytest.raises(TaskRevokedError, match="terminated"):
        result.get(timeout=TIMEOUT)


SOFT, HARD = "SoftTimeLimitExceeded", "TimeLimitExceeded"


@pytest.mark.parametrize(
    ("arguments", "settings", "kind"),
    [
        (["--soft-time-limit", "0.2"], {}, SOFT),
        (["--time-limit", "0.2"], {}, HARD),
        ([], {"task_soft_time_limit": 0.2}, SOFT),
        ([], {"task_time_limit": 0.2}, HARD),
        ([], {"task_annotations": {"contract.sleep": {"soft_time_limit": 0.2}}}, SOFT),
        ([], {"task_annotations": {"*": {"time_limit": 0.2}}}, HARD),
    ],
)
def test_time_limits_of_the_worker(start, call, arguments, settings, kind):
    start(*arguments, **settings)
    with pytest.raises(Exception, match=r"SoftTimeLimitExceeded|0\.2") as failure:
        call("sleep", 60)
    assert type(failure.value).__name__ == kind


@pytest.mark.parametrize("kind", [SOFT, HARD])
def test_time_limits_of_remote_control(worker, app, call, kind):
    limits = {"soft": 0.2} if kind == SOFT else {"hard": 0.2}
    app.control.time_limit("contract.sleep", **limits, reply=True, limit=1, timeout=10)
    with pytest.raises(Exception, match=r"SoftTimeLimitExceeded|0\.2") as failure:
        call("sleep", 60)
    assert type(failure.value).__name__ == kind


@pytest.mark.parametrize("rate", ["10/s", "600/m", "36000/h", "10", 10, 10.0])
def test_rate_limits_in_each_form(start, app, rate):
    """Ten a second, five tasks: the last may not start before 0.4 s have passed."""
    start(task_annotations={"contract.echo": {"rate_limit": rate}})
    begun = datetime.datetime.now(UTC)
    results = [app.send_task("contract.echo", [n]) for n in range(5)]
    assert [result.get(timeout=TIMEOUT) for result in results] == [0, 1, 2, 3, 4]
    assert (datetime.datetime.now(UTC) - begun).total_seconds() >= 0.39


@pytest.mark.parametrize("rate", ["10/s", "600/m", "36000/h", "10", 10])
def test_rate_limits_are_set_at_run_time_in_each_form(worker, app, rate):
    (answer,) = app.control.rate_limit(
        "contract.echo", rate, destination=["w1@test"], reply=True, limit=1, timeout=10
    )
    assert answer == {"w1@test": {"ok": "new rate limit set successfully"}}
    begun = datetime.datetime.now(UTC)
    for result in [app.send_task("contract.echo", [n]) for n in range(5)]:
        result.get(timeout=TIMEOUT)
    assert (datetime.datetime.now(UTC) - begun).total_seconds() >= 0.39


@pytest.mark.parametrize("rate", ["1000/s", 0])
def test_tasks_that_wait_go_on_when_their_limit_is_raised(start, app, rate):
    start(task_annotations={"contract.echo": {"rate_limit": "1/m"}})
    first, *waiting = [app.send_task("contract.echo", [n]) for n in range(3)]
    assert first.get(timeout=TIMEOUT) == 0
    app.control.rate_limit("contract.echo", rate)
    assert [result.get(timeout=TIMEOUT) for result in waiting] == [1, 2]


def test_the_default_rate_limit(start, app):
    start(task_default_rate_limit="10/s")
    begun = datetime.datetime.now(UTC)
    for result in [app.send_task("contract.echo", [n]) for n in range(5)]:
        result.get(timeout=TIMEOUT)
    assert (datetime.datetime.now(UTC) - begun).total_seconds() >= 0.39


def test_rate_limits_can_be_disabled(start, app):
    annotations = {"contract.echo": {"rate_limit": "1/m"}}
    start(task_annotations=annotations, worker_disable_rate_limits=True)
    for result in [app.send_task("contract.echo", [n]) for n in range(3)]:
        result.get(timeout=TIMEOUT)


# --- workflows and results -------------------------------------------------------------------


def test_ids_of_a_workflow_are_celerys(worker, app, sig):
    """Root and parent of each link, the group and place of each member."""
    first, second = sig("tell"), sig("tell")
    chain = (first | second).apply_async()
    told = chain.get(timeout=TIMEOUT)
    parent = chain.parent
    assert parent.get(timeout=TIMEOUT)["root_id"] == parent.id
    assert (told["root_id"], told["parent_id"]) == (parent.id, parent.id)

    group = celery.group(sig("tell"), sig("tell")).apply_async()
    told = group.get(timeout=TIMEOUT)
    places = [0, 1] if celery.VERSION >= (5, 3) else [None, None]  # 5.2 sends it in chords alone
    assert [one["group_index"] for one in told] == places
    assert {one["group"] for one in told} == {group.id}
    kept = [app.backend.get_task_meta(result.id) for result in group.results]
    assert [meta["group_id"] for meta in kept] == [group.id] * 2
    assert app.backend.get_task_meta(chain.id)["parent_id"] == parent.id

    child_id = app.send_task("contract.send", [as_json(sig("tell"))]).get(timeout=TIMEOUT)
    child = app.AsyncResult(child_id).get(timeout=TIMEOUT)
    assert child["root_id"] == child["parent_id"] != child_id

    chain = (sig("tell", immutable=True) | sig("send", as_json(sig("tell")), immutable=True))()
    grandchild = app.AsyncResult(chain.get(timeout=TIMEOUT)).get(timeout=TIMEOUT)
    assert (grandchild["root_id"], grandchild["parent_id"]) == (chain.parent.id, chain.id)


def test_an_errback_is_called_with_the_failure(worker, app, sig, tmp_path):
    """Celery's new style: called where the task failed; the old style is a task of its own."""
    path = tmp_path / "failures"
    failing = sig("fail", "boom").on_error(sig("note_failure", str(path))).apply_async()
    with pytest.raises(ValueError, match="boom"):
        failing.get(timeout=TIMEOUT)
    worker.wait_until(lambda: path.exists() and path.read_text().endswith("\n"), "the errback")
    assert path.read_text() == f"{failing.id} ValueError: boom\n"
    assert "contract.note_failure" not in worker.log.partition("ready.")[2]


def test_a_task_awaits_what_another_returns_or_raises(worker, call, sig):
    assert call("wait", as_json(sig("echo", 5))) == 5
    chain = sig("echo", 1) | sig("retry", {})
    assert call("wait", as_json(chain))["args"] == [1, {}]
    with pytest.raises(ValueError, match="from the child"):
        call("wait", as_json(sig("fail", "from the child")))


def test_many_tasks_await_results_at_once(start, app, sig, tmp_path):
    worker = start("-c", 300)
    path, gate = tmp_path / "marks", tmp_path / "gate"
    child = as_json(sig("pass", "started", str(path), str(gate)))
    waiting = [app.send_task("contract.wait", [child]) for _ in range(100)]
    worker.wait_until(lambda: path.exists() and len(path.read_text().split()) == 100, "children")
    gate.touch()
    assert [result.get(timeout=TIMEOUT) for result in waiting] == [None] * 100


def test_waiting_for_a_result_ends_in_time(start, app, call, sig):
    worker = start("-c", 8)
    with pytest.raises(TimeoutError, match=r"has not ended within the 0\.2 s"):
        call("wait", as_json(sig("sleep", 60)), 0.2)
    with pytest.raises(Exception, match="SoftTimeLimitExceeded"):
        call("wait", as_json(sig("sleep", 60)), 60, soft_time_limit=0.2)
    waits = app.send_task("contract.wait", [as_json(sig("sleep", 60)), 60])
    worker.wait_for_log(r"contract.sleep\[.*received", count=3)
    waits.revoke(terminate=True)
    with pytest.raises(TaskRevokedError, match="terminated"):
        waits.get(timeout=TIMEOUT)
    # A warm shutdown would wait for those that still sleep.
    for active in app.control.inspect(["w1@test"], timeout=TIMEOUT).active()["w1@test"]:
        app.control.revoke(active["id"], terminate=True)


@pytest.mark.parametrize("ordered", [True, False])
def test_chords_are_counted_in_both_forms(start, app, redis_server, sig, ordered):
    """As a sorted set, or with `result_chord_ordered: false` as a list in order of completion."""
    start(result_backend_transport_options={"result_chord_ordered": ordered})
    chord = celery.chord([sig("echo", n) for n in range(4)], sig("echo"))
    if not ordered:
        app.conf.result_backend_transport_options = {"result_chord_ordered": False}
    results = chord.apply_async().get(timeout=TIMEOUT)
    assert results == [0, 1, 2, 3] if ordered else sorted(results) == [0, 1, 2, 3]


@pytest.mark.parametrize(("expires", "ttl"), [(3600, 3600), (0, -1), (None, 86400)])
def test_results_live_as_long_as_the_setting_says(start, app, redis_url, expires, ttl):
    start(**({} if expires is None else {"result_expires": expires}))
    result = app.send_task("contract.echo", [1])
    assert result.get(timeout=TIMEOUT) == 1
    left = app.backend.client.ttl(app.backend.get_key_for_task(result.id))
    assert left == ttl if ttl < 0 else ttl - 60 < left <= ttl


@pytest.mark.needs_celery("5.3", "global_keyprefix of results")
def test_keys_have_the_global_prefix(start, app):
    options = {"global_keyprefix": "mine"}
    start(result_backend_transport_options=options)
    app.conf.result_backend_transport_options = options
    result = app.send_task("contract.echo", [1])
    assert result.get(timeout=TIMEOUT) == 1
    assert app.backend.client.exists(f"mine_celery-task-meta-{result.id}")


@pytest.mark.parametrize(
    "url",
    [
        "sentinel://127.0.0.1:26379/0",
        "sentinel://10.0.0.1:26379;sentinel://10.0.0.2:26379",
        "rediscluster://127.0.0.1:6379/0",
        "redis+cluster://127.0.0.1:6379/0",
        "db+postgresql://user:secret@localhost/results",
        "cache+memcached://127.0.0.1:11211/",
        "mongodb://localhost/results",
    ],
)
def test_other_backends_are_refused_with_a_remedy(broker_url, url):
    run = subprocess.run(
        [CELERIAC, "worker", "-b", broker_url, "--result-backend", url],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode != 0
    assert url.partition(":")[0] in run.stderr + run.stdout
    assert "redis://" in run.stderr + run.stdout
    assert "secret" not in run.stderr + run.stdout
