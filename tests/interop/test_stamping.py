"""Stamps, read where the task runs.

Celery's integration suite has these seven tests too, but looks for the stamps in a `task_received`
handler of the client's process: with a worker of its own nothing is checked there, or nothing
passes (tests/interop/celery_suite/selection.py).
"""

import json

import pytest
from celery import chain, chord, group
from celery.canvas import StampingVisitor

from support.celeriac import CELERIAC

TIMEOUT = 60


class Stamp(StampingVisitor):
    """The same stamps on every task of a workflow."""

    def __init__(self, **stamps):
        self.stamps = stamps

    def on_signature(self, sig, **headers):
        return dict(self.stamps)


@pytest.fixture
def tasks(app):
    """Signatures of the module's tasks: `tasks("add", 1, 2)`."""
    return lambda name, *args: app.signature(f"stamping.{name}", args=args)


@pytest.fixture
def worker(celeriac):
    return celeriac("-A", CELERIAC.parent / "tests" / "stamping_tasks.so", "-c", 2, "-l", "INFO")


@pytest.fixture
def recorded(app, worker):
    """What the tasks that ran have recorded of themselves so far."""

    def read(task=None):
        lines = [json.loads(line) for line in app.backend.client.lrange("stamps", 0, -1)]
        return [line for line in lines if task is None or line["task"] == f"stamping.{task}"]

    return read


def assert_stamped(lines, **stamps):
    assert lines
    for line in lines:
        assert line["stamps"] == stamps
        assert sorted(line["stamped_headers"]) == sorted(stamps)


def stamps_of(signature):
    return {name: signature["options"][name] for name in signature["options"]["stamped_headers"]}


def test_a_task_has_its_stamps(tasks, recorded):
    stamped = tasks("add", 1, 1)
    stamped.stamp(visitor=Stamp(stamp=42, letters=["a", "b"]))
    assert stamped.apply_async().get(timeout=TIMEOUT) == 2
    assert_stamped(recorded(), stamp=42, letters=["a", "b"])


def workflows(tasks):
    def add(*args):
        return tasks("add", *args)

    def total():
        return tasks("total")

    yield "task", add(1, 1), 1
    yield "group", group(add(1, 1), add(2, 2)), 2
    yield "chain", chain(add(1, 1), add(2)), 2
    yield "chord", chord([add(1, 1), add(2, 2)], total()), 3
    yield "group of one in a chain", chain(group(add(0, 0)), add(-1)), 2
    yield "group of chains", group(add(1, 1) | add(10), add(2, 2) | add(20)), 4
    yield "chain of chains", chain(add(1, 1) | add(10), add(2) | add(20)), 4
    yield "chord of chains", chord([add(1, 1) | add(10), add(2, 2) | add(20)], total()), 5
    yield (
        "chord in a chord",
        chord(
            group(chain(add(1, 1), add(2)), chord([add(3, 3), add(4, 4)], total())),
            total(),
        ),
        6,
    )


def test_every_task_of_a_workflow_is_stamped(app, tasks, recorded):
    for name, workflow, size in workflows(tasks):
        workflow.stamp(visitor=Stamp(stamp=42))
        workflow.apply_async().get(timeout=TIMEOUT)
        assert len(recorded()) == size, name
        assert_stamped(recorded(), stamp=42)
        app.backend.client.delete("stamps")


def test_a_stamped_workflow_with_links_runs(tasks, recorded):
    workflow = group(tasks("add", 1, 2) | tasks("add", 3), tasks("identity", 21)) | group(
        tasks("total"), tasks("total")
    )
    workflow.link(tasks("identity", "link").set(immutable=True))
    workflow.link_error(tasks("identity", "link_error").set(immutable=True))
    workflow.stamp(visitor=Stamp(on_signature=42))
    assert workflow.apply_async().get(timeout=TIMEOUT) == [27, 27]
    assert_stamped(recorded(), on_signature=42)
    for line in recorded():
        for linked in (line["callbacks"] or []) + (line["errbacks"] or []):
            assert stamps_of(linked) == {"on_signature": 42}
    assert any(line["callbacks"] for line in recorded("total"))


def test_a_callback_linked_after_stamping_is_stamped(tasks, recorded, worker):
    stamped = tasks("identity", "passes")
    stamped.stamp(visitor=Stamp(mtask_id="first"))
    stamped.link(tasks("identity", "callback").set(immutable=True))
    stamped.stamp(visitor=Stamp(mtask_id="1234"))
    stamped.apply_async().get(timeout=TIMEOUT)
    worker.wait_until(lambda: len(recorded()) == 2, "callback", TIMEOUT)
    task, callback = recorded()
    assert stamps_of(task["callbacks"][0]) == {"mtask_id": "1234"}
    assert_stamped([task, callback], mtask_id="1234")


def test_an_errback_linked_after_stamping_is_stamped(tasks, recorded, worker):
    stamped = tasks("fail")
    stamped.stamp(visitor=Stamp(mtask_id="first"))
    stamped.link_error(tasks("identity", "errback").set(immutable=True))
    stamped.stamp(visitor=Stamp(mtask_id="1234"))
    with pytest.raises(ValueError, match="this task fails"):
        stamped.apply_async().get(timeout=TIMEOUT)
    worker.wait_until(lambda: len(recorded()) == 2, "errback", TIMEOUT)
    task, errback = recorded()
    assert stamps_of(task["errbacks"][0]) == {"mtask_id": "1234"}
    assert_stamped([task, errback], mtask_id="1234")


def test_stamps_remain_when_a_task_is_retried(tasks, recorded):
    stamped = tasks("retry_once")
    stamped.stamp(visitor=Stamp(stamp=42))
    assert stamped.apply_async().get(timeout=TIMEOUT) == 1
    assert [line["retries"] for line in recorded()] == [0, 1]
    assert_stamped(recorded(), stamp=42)


def test_a_replacement_has_the_stamps_that_it_was_given(tasks, recorded):
    """Celery 5.7 does not pass the stamps of the replaced task on, and neither do we."""
    stamped = tasks("replaced", 7)
    stamped.stamp(visitor=Stamp(stamp=42))
    assert stamped.apply_async().get(timeout=TIMEOUT) == 7
    assert_stamped(recorded("replaced"), stamp=42)
    assert_stamped(recorded("identity"), on_replace="yes")
