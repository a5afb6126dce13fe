"""C++ tasks build and send every composition; Python sees the results."""

import uuid

import celery
import pytest
from celery.result import GroupResult, result_from_tuple

from support.celeriac import CELERIAC

MODULE = CELERIAC.parent / "modules/canvas_tasks.so"
TIMEOUT = 60

RESULTS = {
    "task": 5,
    "task of another queue": 5,
    "chain": 17,
    "immutable": 10,
    "group": [2, 4],
    "chord": 6,
    "chain with a group": 110,
    "group with chords": [6, 10],
    "chord of chords": 13,
    "chord with a group": [[3, 4], 8],
}

# A task on the loop, and functions on threads and in child processes.
SENDERS = [
    pytest.param("send", "threads", id="loop"),
    pytest.param("send_from_pool", "threads", id="threads"),
    pytest.param("send_from_pool", "prefork", id="prefork"),
]


@pytest.fixture
def start(celeriac):
    def start_worker(pool="threads"):
        return celeriac("-A", MODULE, "-c", 4, "-P", pool, "-Q", "celery,other", "-l", "INFO")

    return start_worker


def sent(app, sender, *args):
    """What the task returned: the AsyncResult or GroupResult of what it sent."""
    returned = app.send_task(f"canvas.{sender}", args).get(timeout=TIMEOUT)
    return result_from_tuple(returned, app)


def value(result):
    """Of a group part by part: Celery 5.2 waits for a whole one only if it sent it itself."""
    if isinstance(result, GroupResult):
        return [part.get(timeout=TIMEOUT) for part in result]
    return result.get(timeout=TIMEOUT)


@pytest.mark.parametrize(("sender", "pool"), SENDERS)
def test_compositions_give_what_celery_gives(app, start, sender, pool):
    start(pool)
    found = {kind: value(sent(app, sender, kind)) for kind in RESULTS}
    assert found == RESULTS


@pytest.mark.parametrize(("sender", "pool"), SENDERS)
def test_what_was_sent_is_a_child_of_the_sender(app, start, sender, pool):
    start(pool)
    parent = app.send_task(f"canvas.{sender}", ["chain"])
    parent.get(timeout=TIMEOUT)
    (first,) = parent.children  # the first of the chain, which sends the next itself
    assert first.get(timeout=TIMEOUT) == 3
    meta = app.backend.get_task_meta(first.id)
    assert meta["parent_id"] == parent.id
    assert [child.get(timeout=TIMEOUT) for child in first.children] == [7]


@pytest.mark.parametrize(("sender", "pool"), SENDERS)
def test_links_and_error_links_run(app, start, sender, pool):
    start(pool)
    links = [str(uuid.uuid4()), str(uuid.uuid4())]
    assert sent(app, sender, "link", links).get(timeout=TIMEOUT) == 5
    assert [app.AsyncResult(link).get(timeout=TIMEOUT) for link in links] == [5, 5]

    for kind in ("link_error", "link_error of a chain"):
        errback = str(uuid.uuid4())
        failing = sent(app, sender, kind, [errback])
        with pytest.raises(ValueError, match=r"^boom$"):
            failing.get(timeout=TIMEOUT)
        # An errback that is a task of any language gets the id of the task that failed.
        assert app.AsyncResult(errback).get(timeout=TIMEOUT) == failing.id


@pytest.mark.parametrize(
    ("replacer", "pool"),
    [("replace", "threads"), ("replace_from_pool", "threads"), ("replace_from_pool", "prefork")],
)
def test_a_task_is_replaced_by_any_composition(app, start, replacer, pool):
    start(pool)
    for kind, result in RESULTS.items():
        assert app.send_task(f"canvas.{replacer}", [kind]).get(timeout=TIMEOUT) == result, kind


@pytest.mark.parametrize(
    ("member", "pool"),
    [
        ("grow_chord", "threads"),
        ("grow_chord_from_pool", "threads"),
        ("grow_chord_from_pool", "prefork"),
    ],
)
def test_a_chord_grows_from_inside(app, start, member, pool):
    start(pool)
    header = [app.signature(f"canvas.{member}", (n,)) for n in (1, 2)]
    chord = celery.chord(header, app.signature("canvas.sum"))
    assert chord.delay().get(timeout=TIMEOUT) == (1 + 2) + (11 + 12)


def test_a_task_waits_for_what_it_sent(app, start):
    start()
    wait = app.signature("canvas.send_and_wait")
    assert wait.delay("chain").get(timeout=TIMEOUT) == 17
    assert wait.delay("chord").get(timeout=TIMEOUT) == 6
    assert wait.delay("link_error").get(timeout=TIMEOUT) == "ValueError: boom"
