"""Plain functions on threads: `-P threads`. A hard time limit cannot end one."""

import json
import subprocess

import pytest

from support.celeriac import CELERIAC, environment

WITH_A_LIMIT = CELERIAC.parent / "modules/prefork_tasks.so"
MODULE = CELERIAC.parent / "tests/interop/task_module/interop_tasks.so"
COROUTINES = CELERIAC.parent / "tests/stamping_tasks.so"


def refusal(broker_url, *arguments):
    """What a worker says that does not start."""
    command = [CELERIAC, "worker", "-q", "-b", broker_url, *map(str, arguments)]
    done = subprocess.run(
        command, env=environment({}), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1, done
    return done.stderr


def test_a_tasks_own_hard_limit_is_refused_at_start(broker_url):
    said = refusal(broker_url, "-A", WITH_A_LIMIT)
    assert "task 'prefork.hang' has a time_limit of 0.3 s" in said
    assert "run with -P prefork" in said


@pytest.mark.parametrize(
    "limit",
    [
        ("--time-limit", "60"),
        ("task_time_limit=60",),
        ('task_annotations={"interop.add": {"time_limit": 60}}',),
    ],
    ids=["option", "setting", "annotation"],
)
def test_a_hard_limit_from_the_settings_is_refused_at_start(broker_url, limit):
    said = refusal(broker_url, "-A", MODULE, *limit)
    assert "task 'interop.add' has a time_limit of 60.0 s" in said
    assert "--time-limit, task_time_limit or task_annotations" in said


def test_an_annotation_may_take_the_limit_away(celeriac, app):
    tasks = ["prefork.hang", "prefork.ignore_signals"]
    annotations = json.dumps({task: {"time_limit": None} for task in tasks})
    celeriac("-A", WITH_A_LIMIT, f"task_annotations={annotations}", "-l", "INFO")
    assert app.send_task("prefork.add", [1, 2]).get(timeout=60) == 3


def test_coroutines_alone_may_have_it(celeriac):
    worker = celeriac("-A", COROUTINES, "--time-limit", "60", "-l", "INFO")
    assert worker.stop() == 0


def test_a_messages_hard_limit_is_ignored_as_celery_does_and_said_once(app, celeriac, tmp_path):
    worker = celeriac("-A", MODULE, "-l", "INFO", "-P", "threads", "-c", 1)
    for _ in range(2):
        args = [0.3, str(tmp_path / "marks")]
        sent = app.send_task("interop.block_for", args, time_limit=0.1, soft_time_limit=0.05)
        assert sent.get(timeout=60) == "blocked"
    assert worker.log.count("which cannot end a function on a thread") == 1
    assert "asks for a time limit of 0.1 s" in worker.log


def test_remote_control_may_not_set_one(app, celeriac):
    celeriac("-A", MODULE, "-n", "w1@test", "-l", "INFO")

    def set_limits(**limits):
        (reply,) = app.control.broadcast(
            "time_limit",
            arguments={"task_name": "interop.block_for", **limits},
            destination=["w1@test"],
            reply=True,
            timeout=10,
        )
        return reply["w1@test"]

    assert "hard time limit cannot end" in set_limits(hard=5, soft=1)["error"]
    assert set_limits(soft=1) == {"ok": "time limits set successfully"}
