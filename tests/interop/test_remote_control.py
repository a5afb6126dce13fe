"""`celery inspect`, `celery control` and `celery status` see an ordinary worker."""

import contextlib
import uuid

import pytest

from support.celeriac import CELERIAC

MODULE = CELERIAC.parent / "modules/remote_tasks.so"


@pytest.fixture
def worker(celeriac):
    return celeriac("-A", MODULE, "-n", "w1@test", "-c", 2, "-l", "DEBUG", "-E")


@pytest.fixture
def inspect(app, worker):
    return lambda **options: app.control.inspect(destination=["w1@test"], timeout=30, **options)


def ask(app, command, **arguments):
    """The one reply to a control command."""
    replies = app.control.broadcast(
        command, arguments=arguments, reply=True, limit=1, timeout=30, destination=["w1@test"]
    )
    assert len(replies) == 1, replies
    return replies[0]["w1@test"]


class Running:
    """A task that runs until it is revoked; entered once the worker has started it."""

    def __init__(self, app, worker, **options):
        self.app, self.worker, self.options = app, worker, options

    def __enter__(self):
        self.result = self.app.send_task("remote.sleep", [3600], **self.options)
        self.worker.wait_for_log(rf"Task accepted: remote.sleep\[{self.result.id}\]", 30)
        return self.result

    def __exit__(self, *exception):
        self.app.control.revoke(self.result.id, terminate=True)
        self.worker.wait_for_log(rf"Terminating {self.result.id}", 30)


def test_ping_answers_pong(app, worker):
    assert app.control.ping(destination=["w1@test"], timeout=30, limit=1) == [
        {"w1@test": {"ok": "pong"}}
    ]


def test_a_pattern_chooses_nodes(app, worker):
    assert app.control.ping(timeout=30, limit=1, pattern="w*@test", matcher="glob") == [
        {"w1@test": {"ok": "pong"}}
    ]
    assert app.control.ping(timeout=30, limit=1, pattern=r"w\d@test", matcher="pcre") == [
        {"w1@test": {"ok": "pong"}}
    ]
    for matcher, pattern in (("glob", "other*"), ("pcre", r"w\d\d@test")):
        app.control.rate_limit("remote.add", "1/h", pattern=pattern, matcher=matcher)
    app.control.rate_limit("remote.add", "1/h", destination=["w2@test"])
    # It hears one command after the other; none of those was meant for it.
    assert "remote.add" in ask(app, "registered")


def test_registered_shows_rate_limits_and_hides_builtins(inspect):
    names = inspect().registered()["w1@test"]
    assert "remote.add" in names
    assert "remote.limited [rate_limit=2/s]" in names
    assert not [name for name in names if name.startswith("celery.")]


def test_active_queues_describe_the_queue_as_kombu_does(app, inspect):
    queues = inspect().active_queues()["w1@test"]
    default = app.amqp.queues["celery"].as_dict(recurse=True)
    assert queues == [default]


def test_active_names_the_running_task(app, worker, inspect):
    with Running(app, worker) as result:
        (task,) = inspect().active()["w1@test"]
        assert task["id"] == result.id
        assert task["name"] == task["type"] == "remote.sleep"
        assert task["args"] == [3600]
        assert task["hostname"] == "w1@test"
        assert task["acknowledged"] is True
        assert task["worker_pid"] == worker.pid
        assert task["delivery_info"] == {
            "exchange": "",
            "routing_key": "celery",
            "priority": 0,
            "redelivered": False,
        }
        (safe,) = inspect().active(safe=True)["w1@test"]
        assert safe["args"] == "[3600]" or safe["args"] == "(3600,)"


def test_query_task_knows_where_a_task_is(app, worker, inspect):
    with Running(app, worker) as result:
        state, info = inspect().query_task([result.id, "unknown"])["w1@test"][result.id]
        assert state == "active"
        assert info["id"] == result.id


def test_scheduled_lists_tasks_that_wait_for_their_eta(app, worker, inspect):
    result = app.send_task("remote.add", [1, 1], countdown=600)
    worker.wait_for_log(rf"remote.add\[{result.id}\] received", 30)
    (entry,) = inspect().scheduled()["w1@test"]
    assert entry["request"]["id"] == result.id
    assert entry["priority"] == 6
    assert entry["eta"].startswith("20")


def test_stats_count_what_ran(app, worker, inspect):
    app.send_task("remote.add", [1, 2]).get(timeout=30)
    stats = inspect().stats()["w1@test"]
    assert stats["total"] == {"remote.add": 1}
    assert stats["pid"] == worker.pid
    assert stats["pool"]["max-concurrency"] == 2
    assert stats["broker"]["transport"] == "amqp"
    assert "password" not in stats["broker"]
    assert stats["rusage"]["maxrss"] > 0
    assert isinstance(stats["clock"], str)


def test_conf_masks_secrets(app, worker, inspect, broker_url):
    conf = inspect().conf()["w1@test"]
    secret = broker_url.removeprefix("amqp://").split("@")[0]
    assert secret not in str(conf)
    assert "celeriac:********@" in str(conf["broker_url"])
    assert conf["worker_prefetch_multiplier"] == 4


def test_conf_has_what_means_nothing_here(inspect):
    """Celery's own suite, and whoever reads these, finds every key."""
    conf = inspect().conf()["w1@test"]
    fixed = {"enable_utc": True, "timezone": None, "worker_hijack_root_logger": False}
    fixed |= {"include": [], "deprecated_settings": None}
    assert {name: conf[name] for name in fixed} == fixed


def test_report_names_the_software(inspect):
    assert "(celeriac)" in inspect().report()["w1@test"]["ok"]


def test_clock_counts(inspect):
    assert inspect().clock()["w1@test"]["clock"] > 0


def test_revoke_discards_a_task_that_waits(app, worker, inspect):
    result = app.send_task("remote.add", [1, 1], countdown=600)
    worker.wait_for_log(rf"remote.add\[{result.id}\] received", 30)
    assert ask(app, "revoke", task_id=result.id) == {
        "ok": f"tasks {{'{result.id}'}} flagged as revoked"
    }
    assert result.id in inspect().revoked()["w1@test"]
    worker.wait_for_log(rf"Discarding revoked task: remote.add\[{result.id}\]", 30)
    with pytest.raises(Exception, match="revoked"):
        result.get(timeout=30)
    assert result.state == "REVOKED"


def test_a_task_that_was_revoked_before_it_came_is_discarded(app, worker):
    task_id = str(uuid.uuid4())
    ask(app, "revoke", task_id=task_id)
    # Whoever asks for it is told at once.
    worker.wait_until(lambda: app.AsyncResult(task_id).state == "REVOKED", "the state", 30)
    app.send_task("remote.add", [1, 1], task_id=task_id)
    worker.wait_for_log(rf"Discarding revoked task: remote.add\[{task_id}\]", 30)
    assert app.AsyncResult(task_id).state == "REVOKED"


def test_terminate_ends_a_running_task(app, worker):
    result = app.send_task("remote.sleep", [3600])
    worker.wait_for_log(rf"Task accepted: remote.sleep\[{result.id}\]", 30)
    assert ask(app, "terminate", signal="SIGTERM", task_id=result.id) == {
        "ok": f"terminate: {result.id}"
    }
    with pytest.raises(Exception, match="terminated"):
        result.get(timeout=30)
    assert result.state == "REVOKED"


def test_terminate_of_an_unknown_task_says_so(app, worker):
    assert ask(app, "revoke", task_id="nobody", terminate=True) == {
        "ok": "terminate: tasks unknown"
    }


def test_rate_limits_change_at_run_time(app, worker, inspect):
    assert ask(app, "rate_limit", task_name="remote.add", rate_limit="7/m") == {
        "ok": "new rate limit set successfully"
    }
    assert "remote.add [rate_limit=7/m]" in inspect().registered()["w1@test"]
    assert ask(app, "rate_limit", task_name="remote.add", rate_limit=0) == {
        "ok": "rate limit disabled successfully"
    }
    assert "remote.add" in inspect().registered()["w1@test"]


@pytest.mark.parametrize(
    ("task", "limit", "error"),
    [
        ("no.such.task", "1/s", "unknown task"),
        (
            "remote.add",
            "abc/s",
            "Invalid rate limit string: ValueError(\"could not convert string to float: 'abc'\")",
        ),
        ("remote.add", "10/x", "KeyError('x')"),
    ],
)
def test_a_bad_rate_limit_is_refused_in_celerys_words(app, worker, task, limit, error):
    assert ask(app, "rate_limit", task_name=task, rate_limit=limit) == {"error": error}


def test_time_limits_change_at_run_time(app, worker):
    assert ask(app, "time_limit", task_name="remote.sleep", hard=0.2) == {
        "ok": "time limits set successfully"
    }
    with pytest.raises(Exception, match=r"0\.2"):
        app.send_task("remote.sleep", [3600]).get(timeout=30)


def consumers_of(app, queue):
    with app.connection_for_read() as connection:
        declared = connection.default_channel.queue_declare(queue, passive=True)
        return declared.consumer_count


def test_consumers_come_and_go_at_run_time(app, worker, inspect, rabbitmq, vhost):
    assert ask(app, "add_consumer", queue="more") == {"ok": "add consumer more"}
    worker.wait_for_log("Started consuming from more", 30)
    assert app.send_task("remote.add", [2, 2], queue="more").get(timeout=30) == 4
    assert ask(app, "cancel_consumer", queue="more") == {"ok": "no longer consuming from more"}
    worker.wait_for_log("Canceling queue more", 30)
    names = [queue["name"] for queue in inspect().active_queues()["w1@test"]]
    assert names == ["celery"]
    worker.wait_until(lambda: consumers_of(app, "more") == 0, "end of the consumer", 30)
    left = app.send_task("remote.add", [3, 3], queue="more")
    assert app.send_task("remote.add", [2, 2]).get(timeout=30) == 4
    assert left.state == "PENDING"
    assert rabbitmq.message_count(vhost, "more") == 1


def test_the_pool_grows_and_shrinks(app, worker, inspect):
    def slots():
        return inspect().stats()["w1@test"]["pool"]["max-concurrency"]

    assert ask(app, "pool_grow", n=2) == {"ok": "pool will grow"}
    assert slots() == 4
    with contextlib.ExitStack() as running:
        for _ in range(4):
            running.enter_context(Running(app, worker))
        assert ask(app, "pool_shrink", n=3) == {"ok": "pool will shrink"}
        assert slots() == 1
    with Running(app, worker):
        waits = app.send_task("remote.add", [2, 2])
        worker.wait_for_log(rf"remote.add\[{waits.id}\] received", 30)
        assert [task["id"] for task in inspect().reserved()["w1@test"]] == [waits.id]
    assert waits.get(timeout=30) == 4


def test_the_window_grows_with_the_pool(app, celeriac):
    """Tasks that hold their messages until they end all run, too."""
    worker = celeriac(
        *("-A", MODULE, "-n", "w1@test", "-c", 1, "--prefetch-multiplier", 1, "-l", "DEBUG"),
        config={"worker": {"task_annotations": {"remote.sleep": {"acks_late": True}}}},
    )
    assert ask(app, "pool_grow", n=2) == {"ok": "pool will grow"}
    with Running(app, worker), Running(app, worker), Running(app, worker):
        assert ask(app, "stats")["prefetch_count"] == 3


def test_slots_follow_the_load_with_autoscale(app, celeriac):
    worker = celeriac(
        "-A", MODULE, "-n", "w1@test", "--autoscale", "3,1", "-l", "DEBUG", "-P", "threads"
    )
    with Running(app, worker), Running(app, worker), Running(app, worker):
        stats = app.control.inspect(destination=["w1@test"], timeout=30).stats()["w1@test"]
        assert stats["autoscaler"] == {"max": 3, "min": 1, "current": 3, "qty": 3}
        assert ask(app, "pool_grow")["error"].startswith("pool_grow is not supported")
        assert ask(app, "autoscale", max=5, min=2) == {"ok": "autoscale now max=5 min=2"}
    assert "Scaling up 1 processes." in worker.log


def test_revoked_tasks_survive_a_restart_with_a_state_file(app, celeriac, tmp_path):
    arguments = ("-A", MODULE, "-n", "w1@test", "-l", "INFO", "--statedb", tmp_path / "%n.state")
    first = celeriac(*arguments)
    ask(app, "revoke", task_id="revoked-before")
    assert first.stop() == 0
    second = celeriac(*arguments)
    result = app.send_task("remote.add", [1, 1], task_id="revoked-before")
    second.wait_for_log(r"Discarding revoked task: remote.add\[revoked-before\]", 30)
    with pytest.raises(Exception, match="revoked"):
        result.get(timeout=30)
    assert result.state == "REVOKED"


def test_a_killed_worker_has_kept_what_was_revoked(app, celeriac, tmp_path):
    state = tmp_path / "revoked"
    arguments = ("-A", MODULE, "-n", "w1@test", "-l", "INFO", "--statedb", state)
    first = celeriac(*arguments)
    ask(app, "revoke", task_id="revoked-before")
    first.wait_until(
        lambda: state.exists() and "revoked-before" in state.read_text(), "the id in its file", 30
    )
    first.kill()
    celeriac(*arguments)
    with pytest.raises(Exception, match="revoked"):
        app.send_task("remote.add", [1, 1], task_id="revoked-before").get(timeout=30)


def test_unknown_and_malformed_commands_are_answered(app, worker):
    assert ask(app, "nosuchcmd") == {"error": "KeyError('nosuchcmd')"}
    assert ask(app, "rate_limit") == {
        "error": 'TypeError("rate_limit() missing 2 required positional arguments: '
        "'task_name' and 'rate_limit'\")"
    }
    assert ask(app, "ping") == {"ok": "pong"}


def test_shutdown_is_a_warm_one(app, worker):
    app.control.shutdown(destination=["w1@test"])
    assert worker.wait(60) == 0


def collect_events(app, wanted, act):
    """The events that arrive until each of the wanted types has, by type. `act` runs when the
    receiver listens."""
    events = {}
    with app.connection_for_read() as connection:
        receiver = app.events.Receiver(
            connection, handlers={"*": lambda event: events.setdefault(event["type"], event)}
        )
        with receiver.consumer_context() as (listening, _channel, _consumers):
            outcome = act()
            while not wanted <= events.keys():
                listening.drain_events(timeout=30)
    return events, outcome


def test_events_tell_the_life_of_a_task(app, worker):
    events, result = collect_events(
        app,
        {"task-received", "task-started", "task-succeeded", "worker-heartbeat"},
        lambda: app.send_task("remote.add", [2, 3]),
    )
    received = events["task-received"]
    assert received["hostname"] == "w1@test"
    assert received["uuid"] == result.id
    assert received["name"] == "remote.add"
    assert received["args"] == "[2, 3]"
    assert received["root_id"] == result.id
    assert events["task-succeeded"]["result"] == "5"
    assert events["task-succeeded"]["runtime"] >= 0
    heartbeat = events["worker-heartbeat"]
    assert heartbeat["sw_ident"] == "celeriac"
    assert heartbeat["freq"] in (2.0, 5)  # 5: the answer to the receiver's own request


def test_events_tell_of_failures_and_retries(app, worker):
    events, _ = collect_events(
        app,
        {"task-failed", "task-retried"},
        lambda: (app.send_task("remote.fail", ["boom"]), app.send_task("remote.retry_once")),
    )
    assert events["task-failed"]["exception"] == "ValueError('boom')"
    assert "Traceback" in events["task-failed"]["traceback"]
    assert "exception" in events["task-retried"]


def test_task_events_are_switched_on_from_outside(app, celeriac):
    celeriac("-A", MODULE, "-n", "w1@test", "-l", "INFO")
    assert ask(app, "disable_events") == {"ok": "task events already disabled"}
    assert ask(app, "enable_events") == {"ok": "task events enabled"}
    assert ask(app, "enable_events") == {"ok": "task events already enabled"}
    collect_events(app, {"task-succeeded"}, lambda: app.send_task("remote.add", [2, 3]))
    assert ask(app, "disable_events") == {"ok": "task events disabled"}


def test_task_events_are_switched_off_from_outside(app, celeriac):
    celeriac("-A", MODULE, "-n", "w1@test", "-l", "INFO")
    ask(app, "enable_events")

    def act():
        ask(app, "disable_events")
        app.send_task("remote.add", [2, 3]).get(timeout=30)
        ask(app, "enable_events")
        return app.send_task("remote.add", [2, 3])

    events, heard = collect_events(app, {"task-received", "task-succeeded"}, act)
    assert events["task-received"]["uuid"] == events["task-succeeded"]["uuid"] == heard.id


def test_a_heartbeat_comes_when_it_is_asked_for(app, celeriac):
    celeriac("-A", MODULE, "-n", "w1@test", "-l", "INFO", "--without-heartbeat")
    events, _ = collect_events(app, {"worker-heartbeat"}, lambda: ask(app, "heartbeat"))
    assert events["worker-heartbeat"]["hostname"] == "w1@test"
    assert "worker-online" not in events


def test_the_end_of_a_worker_is_an_event(app, worker):
    collect_events(app, {"worker-offline"}, lambda: app.control.shutdown())
    assert worker.wait(60) == 0
