import os
import pathlib
import subprocess
import sys

import pytest
from beat import app, cache, fetch, sendalert
from celery import chain

FOLDER = pathlib.Path(__file__).resolve().parent.parent


def beat(tmp_path, rules):
    """Runs the command as the README says; it is to end by itself."""
    path = tmp_path / "alerts.yaml"
    if rules is not None:
        path.write_text(rules)
    return subprocess.run(
        [sys.executable, "-m", "celery", "-A", "beat", "beat", "-s", tmp_path / "schedule"],
        cwd=FOLDER,
        env={**os.environ, "ALERTS_CONFIG": str(path)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_tasks_have_their_wire_names():
    assert [task.name for task in (fetch, cache, sendalert)] == [
        "tasks.fetch",
        "tasks.cache",
        "tasks.sendalert",
    ]


def test_the_tasks_make_a_chain():
    steps = chain(fetch.s("cpu"), cache.s(), sendalert.s())
    assert [step.task for step in steps.tasks] == ["tasks.fetch", "tasks.cache", "tasks.sendalert"]
    assert steps.tasks[0].args == ("cpu",)


@pytest.mark.parametrize("task", [fetch, cache, sendalert])
def test_a_task_called_in_python_says_where_it_runs(task):
    with pytest.raises(NotImplementedError, match=rf"{task.name} runs in the native worker.*delay"):
        task("cpu")


def test_importing_the_app_reads_no_rules(monkeypatch):
    monkeypatch.setenv("ALERTS_CONFIG", "/nowhere/alerts.yaml")
    assert app.conf.beat_schedule == {}


def test_bad_rules_end_beat_with_the_place(tmp_path):
    done = beat(tmp_path, "rules:\n  cpu: {every: often}\n")
    assert done.returncode == 1
    assert f"{tmp_path}/alerts.yaml:2:16: every of rule 'cpu' is 'often'" in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_rules_end_beat_with_the_remedy(tmp_path):
    done = beat(tmp_path, None)
    assert done.returncode == 1
    assert "No such file or directory; set ALERTS_CONFIG" in done.stderr


def test_rules_without_any_schedule_end_beat(tmp_path):
    done = beat(tmp_path, "rules:\n  cpu: {query: q}\n")
    assert done.returncode == 1
    assert "no rule has a schedule" in done.stderr
