"""Chords on Redis whose tasks run in Python and C++ workers: counted together, fired once.

The Python worker is of the Celery that is installed; before 5.7 it counts in its own way.
"""

import json
import re

import celery
import pytest
from celery import chain, chord, group
from celery.exceptions import ChordError
from celery.result import GroupResult
from celery.utils import uuid

from support.fleet import FOLDER, MODULE, TIMEOUT, ChordKeys, Fleet

SIDES = ("python", "native")
OTHER = {"python": "native", "native": "python"}
COUNT_AS_5_7 = SIDES if celery.VERSION >= (5, 7) else ("native",)


@pytest.fixture
def fleet(app, celeriac, python_worker):
    native = celeriac("-A", MODULE, "-n", "native@test", "-Q", "native", "-c", 4, "-l", "INFO")
    options = ("-n", "python@test", "-Q", "python", "-P", "threads", "-c", 4)
    return Fleet(app, native, python_worker("fleet_tasks", FOLDER, *options))


@pytest.fixture
def keys(fleet):
    return lambda group_id: ChordKeys(fleet.redis, group_id)


class Parts:
    """The header of a chord, sent part by part."""

    def __init__(self, fleet, size, body):
        self._fleet = fleet
        self._runs = {}
        self.group_id = uuid()
        self.body = body
        self.body.freeze()
        fleet.app.backend.set_chord_size(self.group_id, size)

    def save(self, nested, *others):
        """Saves the header's results: a group of the `nested` ones, and the others."""
        app = self._fleet.app
        results = [GroupResult(uuid(), list(map(app.AsyncResult, nested)), app=app)]
        results += map(app.AsyncResult, others)
        app.backend.apply_chord((self.group_id, results), self.body)

    def run(self, place, task_id, *numbers, on):
        """Adds the numbers, and returns when the worker has counted that."""
        self.send(self._fleet.sig("add", *numbers, on=on), place, task_id)
        runs = self._runs[on, task_id] = self._runs.get((on, task_id), 0) + 1
        ended = rf"fleet\.add\[{task_id}\] succeeded"
        self._fleet.worker(on).wait_for_log(ended, TIMEOUT, count=runs)

    def fail(self, place, task_id, text, on):
        counters = ChordKeys(self._fleet.redis, self.group_id)
        counted = counters.counted()
        self.send(self._fleet.sig("fail", text, on=on), place, task_id)
        self._fleet.wait_until(lambda: counters.counted() > counted, "failed part")

    def send(self, sig, place, task_id):
        sig.apply_async(task_id=task_id, group_id=self.group_id, group_index=place, chord=self.body)

    def result(self):
        return self._fleet.app.AsyncResult(self.body.id).get(timeout=TIMEOUT)


def error_of(result):
    """The text of the ChordError that a body failed with, and nothing of its header's failure."""
    with pytest.raises(ChordError) as failure:
        result.app.AsyncResult(result.id).get(timeout=TIMEOUT)
    return str(failure.value)


@pytest.mark.parametrize("last", SIDES)
def test_whoever_ends_the_last_part_publishes_the_body(fleet, keys, last):
    first = OTHER[last]
    header = [fleet.sig("add", 1, 2, on=first), fleet.sig("wait", 10, "gate", on=last)]
    result = chord(header)(fleet.sig("total", on=first))
    counters = keys(result.parent.id)
    fleet.wait_until(lambda: counters.counted() == 1, "first part")
    fleet.open("gate")
    assert result.get(timeout=TIMEOUT) == 13
    unknown = set() if last in COUNT_AS_5_7 else {".d"}
    fleet.wait_until(lambda: counters.left() == unknown, "end of the chord")
    assert [line["where"] for line in fleet.ran("total")] == [first]
    assert [line["where"] for line in fleet.ran("wait")] == [last]


@pytest.mark.needs_celery("5.7", "a part that ran twice counts once")
@pytest.mark.parametrize("last", SIDES)
def test_a_part_that_runs_twice_counts_once(fleet, keys, last):
    parts = Parts(fleet, 2, fleet.sig("total", on="native"))
    a, b = uuid(), uuid()
    parts.run(0, a, 1, 1, on=OTHER[last])
    parts.run(0, a, 100, 100, on=last)
    parts.run(1, b, 2, 2, on=last)
    assert parts.result() == 6
    counters = keys(parts.group_id)
    fleet.wait_until(lambda: counters.left() == set(), "end of the chord")
    for side in SIDES:
        parts.run(1, b, 2, 2, on=side)
    assert counters.left() == set()
    assert len(fleet.ran("total")) == 1


@pytest.mark.parametrize("last", SIDES)
def test_a_failed_part_fails_the_body_once(fleet, keys, last):
    failing = fleet.sig("fail", "inside", on=OTHER[last])
    body = fleet.sig("total", on=OTHER[last]).on_error(fleet.sig("note", on=last))
    result = chord([failing, fleet.sig("wait", 1, "gate", on=last)])(body)
    counters = keys(result.parent.id)
    fleet.wait_until(lambda: counters.counted() == 1, "first part")
    fleet.open("gate")
    failed = result.parent.results[0].id
    assert error_of(result) == f"Dependency {failed} raised ValueError('inside')"
    if last in COUNT_AS_5_7:
        fleet.wait_until(lambda: ".s" not in counters.left(), "end of the chord")
    fleet.wait_until(lambda: fleet.ran("note"), "error callback")
    assert [line["flow"] for line in fleet.ran("note")] == [result.id]
    assert fleet.ran("total") == []


@pytest.mark.parametrize("last", SIDES)
def test_a_revoked_part_fails_the_body(fleet, last):
    task_id = uuid()
    assert len(fleet.app.control.revoke(task_id, reply=True, limit=2, timeout=TIMEOUT)) == 2
    parts = Parts(fleet, 2, fleet.sig("total", on=OTHER[last]))
    parts.run(0, uuid(), 1, 1, on=OTHER[last])
    parts.send(fleet.sig("add", 2, 2, on=last), 1, task_id)
    failed = error_of(fleet.app.AsyncResult(parts.body.id))
    assert failed == f"Dependency {task_id} raised TaskRevokedError('revoked')"
    assert fleet.ran("total") == []


@pytest.mark.needs_celery("5.3", "chords in chords of a client that is not the current app")
@pytest.mark.parametrize("side", SIDES)
def test_nested_chords(fleet, side):
    here, there = side, OTHER[side]

    def inner(first, second):
        header = [fleet.sig("add", 1, 2, on=first), fleet.sig("add", 3, 4, on=second)]
        return chord(header, fleet.sig("total", on=first))

    header = [
        inner(here, there),
        chain(inner(there, here), fleet.sig("add", 100, on=here)),
        group(fleet.sig("add", 5, 6, on=here), fleet.sig("add", 7, 8, on=there)),
        chain(fleet.sig("retry", 20, 2, on=there), fleet.sig("add", 1000, on=here)),
    ]
    workflow = chain(
        chord(header, fleet.sig("total", on=here)),
        group(fleet.sig("add", 1, on=here), fleet.sig("add", 2, on=there)),
        fleet.sig("total", on=there),
    )
    inside = 10 + (10 + 100) + (11 + 15) + 1020
    assert workflow.apply_async().get(timeout=TIMEOUT) == 2 * inside + 3


@pytest.mark.parametrize("last", SIDES)
def test_results_of_a_saved_group_keep_its_nesting(fleet, last):
    """Clients save the header's results where groups are nested; the last part reads them."""
    parts = Parts(fleet, 3, fleet.sig("echo", on=OTHER[last]))
    a, b, c = uuid(), uuid(), uuid()
    parts.save([a, b], c)
    parts.run(0, a, 1, 1, on=OTHER[last])
    parts.run(2, c, 3, 3, on=OTHER[last])
    parts.run(1, b, 2, 2, on=last)
    assert parts.result() == [[2, 4], 6]


@pytest.mark.parametrize("last", SIDES)
def test_a_failure_in_a_saved_group(fleet, last):
    parts = Parts(fleet, 2, fleet.sig("total", on=OTHER[last]))
    a, b = uuid(), uuid()
    parts.save([a], b)
    parts.fail(0, a, "inside", on=OTHER[last])
    parts.run(1, b, 3, 3, on=last)
    assert error_of(fleet.app.AsyncResult(parts.body.id)) == "Join error: ValueError('inside')"


@pytest.mark.parametrize("side", SIDES)
def test_chords_that_a_worker_builds(fleet, side):
    queues = [side, OTHER[side]]
    workflow = chain(
        fleet.sig("spread", 1, 3, queues, on=side),
        fleet.sig("spread", 4, queues[::-1], on=OTHER[side]),
        fleet.sig("add", 1000, on=side),
    )
    first = (1 + 0) + (1 + 1) + (1 + 2)
    assert workflow.apply_async().get(timeout=TIMEOUT) == 1000 + 4 * first + (0 + 1 + 2 + 3)
    assert len(fleet.ran("total")) == 2


@pytest.mark.parametrize("last", SIDES)
def test_chords_of_workers_before_5_7(fleet, keys, last):
    """Those add their part and look at the counters in one transaction, without a claim."""
    parts = Parts(fleet, 2, fleet.sig("total", on="native"))
    counters = keys(parts.group_id)
    a, b = uuid(), uuid()

    def old_worker_adds_a_part():
        with fleet.redis.pipeline() as pipe:
            member = json.dumps([1, a, "SUCCESS", 5])
            pipe.zadd(counters.key(".j"), {member: 0})
            pipe.zcount(counters.key(".j"), "-inf", "+inf")
            pipe.get(counters.key(".t"))
            pipe.get(counters.key(".s"))
            return pipe.execute()[1:]

    if last == "native":
        assert old_worker_adds_a_part() == [1, None, b"2"]
        parts.run(1, b, 2, 2, on="native")
        assert parts.result() == 9
    else:
        parts.run(1, b, 2, 2, on="native")
        assert old_worker_adds_a_part() == [2, None, b"2"]
        members = [json.loads(line) for line in fleet.redis.zrange(counters.key(".j"), 0, -1)]
        assert members == [[1, a, "SUCCESS", 5], [1, b, "SUCCESS", 4]]
        fleet.redis.delete(*map(counters.key, (".j", ".t", ".s")))
        parts.run(1, b, 2, 2, on="native")
        assert ".j" not in counters.left()
    assert len(fleet.ran("total")) == (last == "native")


class Unlock:
    """Sends a header and its celery.chord_unlock, as clients do whose backend cannot count."""

    def __init__(self, fleet, header, on, body=None, **kwargs):
        self.header = group(header).apply_async()
        body = body or fleet.sig("total", on=on)
        body.freeze()
        self.body = fleet.app.AsyncResult(body.id)
        kwargs = {"result": [result.as_tuple() for result in self.header.results], **kwargs}
        self.unlock = fleet.app.tasks["celery.chord_unlock"].apply_async(
            (self.header.id, body), kwargs, queue=on, countdown=0
        )


@pytest.mark.parametrize("on", SIDES)
def test_chord_unlock_waits_for_the_header(fleet, on):
    header = [fleet.sig("add", 1, 2, on="python"), fleet.sig("wait", 10, "gate", on="native")]
    sent = Unlock(fleet, header, on, interval=0.1)
    pattern = rf"celery\.chord_unlock\[{sent.unlock.id}\] retry"
    fleet.worker(on).wait_for_log(pattern, TIMEOUT, count=2)
    fleet.open("gate")
    assert sent.body.get(timeout=TIMEOUT) == 13
    assert len(fleet.ran("total")) == 1


@pytest.mark.parametrize("on", SIDES)
def test_chord_unlock_of_nested_groups(fleet, on):
    sides = [fleet.sig("add", 1, 2, on=side) for side in SIDES]
    nested = GroupResult(uuid(), [sig.apply_async() for sig in sides], app=fleet.app)
    sent = Unlock(fleet, [fleet.sig("add", 3, 4, on=on)], on, result=[nested.as_tuple()])
    assert sent.body.get(timeout=TIMEOUT) == 6


@pytest.mark.parametrize("on", SIDES)
def test_chord_unlock_of_a_failed_header(fleet, on):
    failing = fleet.sig("fail", "inside", on=OTHER[on])
    body = fleet.sig("total", on=on).on_error(fleet.sig("note", on=OTHER[on]))
    sent = Unlock(fleet, [fleet.sig("add", 1, 2, on=on), failing], on, body, interval=0.1)
    assert error_of(sent.body) == "ValueError('inside')"
    fleet.wait_until(lambda: fleet.ran("note"), "error callback")
    assert [line["flow"] for line in fleet.ran("note")] == [sent.body.id]


@pytest.mark.needs_celery("5.7", "chord_unlock fails the body when it gives up")
@pytest.mark.parametrize("on", SIDES)
def test_chord_unlock_gives_up(fleet, on):
    never = fleet.app.AsyncResult(uuid()).as_tuple()
    sent = Unlock(
        fleet, [fleet.sig("add", 1, 2, on=on)], on, result=[never], interval=0.1, max_retries=1
    )
    text = error_of(sent.body)
    expected = r"""chord_unlock could not be retried: MaxRetriesExceededError\(["']Can't retry """
    assert re.match(rf"{expected}celery\.chord_unlock\[{sent.unlock.id}\] args:", text), text
