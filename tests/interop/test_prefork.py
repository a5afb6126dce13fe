"""Plain functions in child processes: `-P prefork`."""

import os
import pathlib
import re
import signal
import time

import pytest

from support.celeriac import CELERIAC

MODULE = CELERIAC.parent / "modules/prefork_tasks.so"


@pytest.fixture
def worker(celeriac):
    return celeriac("-A", MODULE, "-n", "w1@test", "-c", 1, "-P", "prefork", "-l", "INFO")


def call(app, name, *args):
    return app.send_task(f"prefork.{name}", args).get(timeout=60)


def processes(app):
    stats = app.control.inspect(destination=["w1@test"], timeout=10).stats()
    return stats["w1@test"]["pool"]["processes"]


def started_with(pid):
    return pathlib.Path(f"/proc/{pid}/environ").read_bytes()


def is_gone(pid):
    status = pathlib.Path(f"/proc/{pid}/status")
    try:
        return "State:\tZ" in status.read_text()  # nobody has asked how it ended
    except FileNotFoundError:
        return True


def until(condition):
    """Returns once it holds; the test's own time-out is the bound."""
    while not condition():
        time.sleep(0.01)


class Waiting:
    """Tasks that run until the gate is opened."""

    def __init__(self, app, folder, count):
        self.marks, self.gate = folder / "marks", folder / "gate"
        args = [str(self.gate), str(self.marks)]
        self.results = [app.send_task("prefork.wait_at", args) for _ in range(count)]

    def started(self):
        return self.marks.read_text().splitlines() if self.marks.exists() else []

    def wait_started(self, worker):
        until(lambda: len(self.started()) == len(self.results) or not worker.running)

    def open_gate(self):
        self.gate.touch()

    def pids(self):
        return [result.get(timeout=60) for result in self.results]


def test_a_function_runs_in_a_child(app, worker):
    child = call(app, "pid")
    assert child != worker.pid
    assert call(app, "pid") == child
    stats = app.control.inspect(destination=["w1@test"], timeout=30).stats()["w1@test"]
    assert stats["pool"]["processes"] == [child]
    assert stats["pool"]["implementation"] == "celery.concurrency.prefork:TaskPool"


def test_a_crash_ends_one_task_and_the_worker_lives(app, worker):
    with pytest.raises(Exception, match=r"signal 6 \(SIGABRT\)") as failure:
        call(app, "crash")
    assert type(failure.value).__name__ == "WorkerLostError"
    assert call(app, "add", 1, 2) == 3
    assert "exited with 'signal 6 (SIGABRT)'" in worker.log


@pytest.mark.parametrize("task", ["die", "die_late"])
def test_any_death_of_a_child_fails_that_task_alone(app, worker, task):
    # The last is what the kernel sends when memory is short.
    for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGKILL):
        with pytest.raises(Exception, match=rf"signal {number:d} \({number.name}\)") as failure:
            call(app, task, number)
        assert type(failure.value).__name__ == "WorkerLostError"
        assert call(app, "add", 1, 2) == 3
    # acks_late alone does not run it again: what killed one child would kill the next.
    assert len(re.findall(rf"Task prefork\.{task}\[\S+\] received", worker.log)) == 3


def test_a_child_that_is_killed_while_it_waits_is_told(app, worker):
    child = call(app, "pid")
    os.kill(child, signal.SIGKILL)
    worker.wait_for_log(rf"ForkPoolWorker-1' pid:{child} exited with 'signal 9 \(SIGKILL\)'")
    assert call(app, "pid") != child


def test_the_end_of_the_whole_process_group_is_no_error(app, worker):
    assert call(app, "add", 1, 2) == 3
    os.killpg(worker.pid, signal.SIGTERM)
    worker.stop()
    assert "exited with" not in worker.log
    assert "ERROR" not in worker.log


def test_a_child_that_leaves_fails_its_task(app, worker):
    with pytest.raises(Exception, match="exitcode 3") as failure:
        call(app, "leave", 3)
    assert type(failure.value).__name__ == "WorkerLostError"


def test_a_killed_child_takes_no_other_task_with_it(app, celeriac, tmp_path):
    worker = celeriac("-A", MODULE, "-n", "w1@test", "-c", 3, "-P", "prefork", "-l", "INFO")
    waiting = Waiting(app, tmp_path, count=2)
    waiting.wait_started(worker)
    with pytest.raises(Exception, match="SIGKILL"):
        call(app, "die", signal.SIGKILL)
    waiting.open_gate()
    assert len(set(waiting.pids())) == 2
    assert call(app, "add", 1, 2) == 3


def test_children_are_the_binary_itself_and_warm_before_work(app, worker):
    # The worker is ready; no task has been sent.
    (child,) = processes(app)
    status = pathlib.Path(f"/proc/{child}/status").read_text()
    assert f"PPid:\t{worker.pid}\n" in status
    assert pathlib.Path(f"/proc/{child}/exe").samefile(CELERIAC)
    # The kernel keeps what a program was started with: a fork would show the worker's.
    assert b"CELERIAC_POOL_CHILD=" in started_with(child)
    assert b"CELERIAC_POOL_CHILD=" not in started_with(worker.pid)
    assert call(app, "pid") == child


def test_as_many_children_work_as_c_says(app, celeriac, tmp_path):
    worker = celeriac("-A", MODULE, "-n", "w1@test", "-c", 2, "-P", "prefork", "-l", "INFO")
    assert len(processes(app)) == 2
    waiting = Waiting(app, tmp_path, count=2)
    waiting.wait_started(worker)
    third = app.send_task("prefork.add", [1, 2])
    worker.wait_for_log(rf"prefork.add\[{third.id}\] received", 30)
    assert len(waiting.started()) == 2
    assert not third.ready()
    waiting.open_gate()
    assert sorted(set(waiting.pids())) == sorted(processes(app))
    assert third.get(timeout=60) == 3


def test_children_come_and_go_with_pool_grow_and_shrink(app, worker, tmp_path):
    app.control.pool_grow(2, destination=["w1@test"], reply=True, limit=1, timeout=30)
    waiting = Waiting(app, tmp_path, count=3)
    waiting.wait_started(worker)
    waiting.open_gate()
    assert sorted(set(waiting.pids())) == sorted(processes(app))
    assert len(processes(app)) == 3
    app.control.pool_shrink(2, destination=["w1@test"], reply=True, limit=1, timeout=30)
    until(lambda: len(processes(app)) == 1)
    assert call(app, "add", 1, 2) == 3


def test_children_come_and_go_with_autoscale(app, celeriac, tmp_path):
    worker = celeriac(
        *("-A", MODULE, "-n", "w1@test", "-P", "prefork", "--autoscale", "3,1", "-l", "INFO"),
        env={"AUTOSCALE_KEEPALIVE": "0.5"},
    )
    assert len(processes(app)) == 1
    waiting = Waiting(app, tmp_path, count=3)
    waiting.wait_started(worker)
    assert len(processes(app)) == 3
    waiting.open_gate()
    assert len(set(waiting.pids())) == 3
    worker.wait_for_log(r"Scaling down", 60)
    until(lambda: len(processes(app)) == 1)
    assert call(app, "add", 1, 2) == 3


def test_a_child_that_has_grown_is_replaced(app, celeriac):
    celeriac(
        *("-A", MODULE, "-n", "w1@test", "-c", 1, "-P", "prefork", "-l", "INFO"),
        *("--max-memory-per-child", 300_000),
    )
    child = call(app, "pid")
    assert call(app, "grow", 1) == child
    # The task that makes it too large still ends well, as in Celery.
    assert call(app, "grow", 400) == child
    assert call(app, "pid") != child
    # A large worker does not make its children large.
    call(app, "grow_the_worker", 400)
    app.control.pool_grow(1, destination=["w1@test"], reply=True, timeout=10)
    app.control.pool_shrink(1, destination=["w1@test"], reply=True, timeout=10)
    call(app, "grow", 400)
    after = call(app, "pid")
    assert call(app, "pid") == after


def test_a_lost_run_goes_back_to_its_queue_if_the_task_says_so(app, worker, tmp_path):
    assert call(app, "crash_once", str(tmp_path / "seen")) == 1


def test_the_hard_time_limit_kills_the_child(app, worker):
    child = call(app, "pid")
    with pytest.raises(Exception, match=r"0\.3") as failure:
        call(app, "hang")
    assert type(failure.value).__name__ == "TimeLimitExceeded"
    assert call(app, "pid") != child
    assert "Hard time limit (0.3s) exceeded for prefork.hang" in worker.log


def test_the_hard_time_limit_kills_a_child_that_hears_no_signal(app, worker):
    child = call(app, "pid")
    with pytest.raises(Exception, match=r"0\.3"):
        call(app, "ignore_signals")
    assert call(app, "pid") != child


def test_what_is_the_workers_own_is_kept_from_its_children(app, celeriac, tmp_path):
    """Systemd's socket, and what tells a child that it is one, are not for what a task starts."""
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "30000000"}
    celeriac("-A", MODULE, "-c", 1, "-P", "prefork", "-l", "INFO", env=environment | {"OTHER": "x"})
    names = [*environment, "CELERIAC_POOL_CHILD", "OTHER"]
    assert [call(app, "has_variable", name) for name in names] == [False, False, False, True]


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_the_soft_time_limit_asks_the_function_to_stop(app, celeriac, pool):
    # On threads a hard limit, which one of the tasks has, needs an annotation that takes it away.
    annotations = {"*": {"time_limit": None}} if pool == "threads" else {}
    worker = celeriac(
        *("-A", MODULE, "-c", 1, "-P", pool, "-l", "INFO"),
        config={"worker": {"task_annotations": annotations}},
    )
    assert call(app, "stop_in_time") == "stopped"
    assert "Soft time limit (0.1s) exceeded for prefork.stop_in_time" in worker.log


def test_revoke_with_terminate_kills_the_child(app, worker):
    child = call(app, "pid")
    result = app.send_task("prefork.hang", time_limit=3600)
    worker.wait_for_log(rf"prefork.hang\[{result.id}\] received", 30)
    app.control.revoke(result.id, terminate=True, signal="SIGKILL")
    with pytest.raises(Exception, match=r"terminated|revoked"):
        result.get(timeout=60)
    assert call(app, "pid") != child


def test_a_function_logs_reports_progress_and_sends_from_its_child(app, worker):
    child_id = call(app, "report")
    assert app.AsyncResult(child_id).get(timeout=60) == 42
    worker.wait_for_log("halfway there", 30)


def test_children_are_replaced_after_their_share(app, celeriac):
    celeriac("-A", MODULE, "-c", 1, "-P", "prefork", "--max-tasks-per-child", 1, "-l", "INFO")
    assert call(app, "pid") != call(app, "pid")


def test_children_do_not_outlive_a_killed_worker(app, worker, tmp_path):
    waiting = Waiting(app, tmp_path, count=1)
    waiting.wait_started(worker)
    (child,) = processes(app)
    # The worker alone: worker.kill() would end its whole group, the child with it.
    worker.expected_exit = -signal.SIGKILL
    worker.signal(signal.SIGKILL)
    until(lambda: is_gone(child))
    assert worker.wait() == -signal.SIGKILL


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 1)])
def test_a_warm_shutdown_lets_a_child_finish(app, worker, tmp_path, number, code):
    """Ctrl+C comes to the children, too: to the whole group of the terminal."""
    waiting = Waiting(app, tmp_path, count=1)
    waiting.wait_started(worker)
    (child,) = processes(app)
    worker.expected_exit = code
    os.killpg(worker.pid, number) if number == signal.SIGINT else worker.signal(number)
    worker.wait_for_log("Warm shutdown", 30)
    waiting.open_gate()
    assert waiting.pids() == [child]
    assert worker.wait(60) == code
    assert is_gone(child)
