"""Plain functions in child processes: `-P prefork`."""

import pytest

from support.celeriac import CELERIAC

MODULE = CELERIAC.parent / "modules/prefork_tasks.so"


@pytest.fixture
def worker(celeriac):
    return celeriac("-A", MODULE, "-n", "w1@test", "-c", 1, "-P", "prefork", "-l", "INFO")


def call(app, name, *args):
    return app.send_task(f"prefork.{name}", args).get(timeout=60)


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


def test_a_lost_run_goes_back_to_its_queue_if_the_task_says_so(app, worker, tmp_path):
    assert call(app, "crash_once", str(tmp_path / "seen")) == 1


def test_the_hard_time_limit_kills_the_child(app, worker):
    child = call(app, "pid")
    with pytest.raises(Exception, match=r"0\.3") as failure:
        call(app, "hang")
    assert type(failure.value).__name__ == "TimeLimitExceeded"
    assert call(app, "pid") != child
    assert "Hard time limit (0.3s) exceeded for prefork.hang" in worker.log


def test_the_soft_time_limit_asks_the_function_to_stop(app, worker):
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
