"""Python and C++ workers share queues and workflows under load, while C++ workers come and go.

FLEET_SECONDS sets for how long workflows are sent (each is some 20 tasks), FLEET_SEED which ones.
"""

import collections
import os
import random
import time

import pytest
from celery import chain, chord, group
from celery.exceptions import ChordError

from support.fleet import FOLDER, MODULE, Fleet

SECONDS = int(os.environ.get("FLEET_SECONDS", "150"))
SEED = int(os.environ.get("FLEET_SEED", "1"))
AT_ONCE = 60
# Restarts of the one C++ worker and kills of the other, by turns.
EVENTS = max(3, SECONDS // 15)
# Nothing ends for so long only if something is lost.
PATIENCE = 120

Step = collections.namedtuple("Step", "signature value")  # value: what it makes of what it gets


class Workflow:
    """A random composition, and what it must come to."""

    def __init__(self, fleet, number):
        self.number = number
        self._fleet = fleet
        self._random = random.Random(f"{SEED}/{number}")
        self.fails = self._random.random() < 0.1
        first = Step(self._sig("add", number, 1), lambda _: number + 1)
        steps = [first, *self._steps(depth=2)]
        if self.fails:
            header = [self._sig("add", 1), self._sig("fail", "inside").set(immutable=True)]
            steps.append(Step(chord(header, self._sig("total")), None))
        self.signature = chain(step.signature for step in steps)
        self.expected = None if self.fails else run(steps, None)

    def check(self, result):
        """Waits for the result that must be there."""
        result = self._fleet.app.AsyncResult(result.id)
        if self.fails:
            with pytest.raises(ChordError, match=r"raised ValueError\('inside'\)"):
                result.get(timeout=PATIENCE)
        else:
            assert result.get(timeout=PATIENCE) == self.expected, f"workflow {self.number}"

    def _sig(self, task, *args):
        queue = self._random.choice(("fleet", "fleet", "python", "native"))
        return self._fleet.sig(task, *args, on=queue, flow=self.number)

    def _steps(self, depth):
        makers = [self._add, self._retry, self._spread] + [self._gather] * depth
        return [
            self._random.choice(makers)(depth) for _ in range(self._random.randint(1, depth + 1))
        ]

    def _add(self, _):
        number = self._random.randrange(100)
        return Step(self._sig("add", number), lambda x: x + number)

    def _retry(self, _):
        return Step(self._sig("retry", self._random.randint(1, 2)), lambda x: x)

    def _spread(self, _):
        parts = self._random.randint(1, 4)
        queues = self._random.sample(("fleet", "python", "native"), 2)
        return Step(self._sig("spread", parts, queues), lambda x: parts * x + sum(range(parts)))

    def _gather(self, depth):
        """A group of chains, summed up: a chord."""
        branches = [self._steps(depth - 1) for _ in range(self._random.randint(2, 4))]
        header = group(chain(step.signature for step in branch) for branch in branches)
        return Step(
            chord(header, self._sig("total")),
            lambda x: sum(run(branch, x) for branch in branches),
        )


def run(steps, value):
    for step in steps:
        value = step.value(value)
    return value


class Load:
    """Keeps so many workflows under way, and checks each that ends."""

    def __init__(self, fleet):
        self._fleet = fleet
        self._open = {}
        self._last_end = time.monotonic()
        self.sent = 0

    def keep_up(self, until):
        """Returns at that time (monotonic)."""
        while time.monotonic() < until:
            while len(self._open) < AT_ONCE:
                self._send()
            self._check_ended()

    def finish(self):
        """Returns when all that was sent has ended."""
        while self._open:
            self._check_ended()

    def _send(self):
        workflow = Workflow(self._fleet, self.sent)
        self.sent += 1
        result = workflow.signature.apply_async()
        self._open[result.id] = (workflow, result)

    def _check_ended(self):
        ended = [task_id for task_id in self._open if self._has_ended(task_id)]
        for task_id in ended:
            workflow, result = self._open.pop(task_id)
            workflow.check(result)
        if ended:
            self._last_end = time.monotonic()
        else:
            left = len(self._open)
            assert time.monotonic() < self._last_end + PATIENCE, f"{left} workflows do not end"
            time.sleep(0.05)

    def _has_ended(self, task_id):
        document = self._fleet.redis.get(f"celery-task-meta-{task_id}") or b""
        return b'"status": "SUCCESS"' in document or b'"status": "FAILURE"' in document


@pytest.mark.starts_first
@pytest.mark.timeout(SECONDS + 600)
def test_every_result_is_right_and_nothing_is_done_twice(app, celeriac, python_worker):
    def native(name, queues):
        return celeriac("-A", MODULE, "-n", f"{name}@test", "-Q", queues, "-c", 4, "-l", "INFO")

    python = python_worker(
        "fleet_tasks", FOLDER, "-n", "python@test", "-Q", "python,fleet", "-c", 2
    )
    steady = native("steady", "native,fleet")
    doomed = native("doomed", "native")
    fleet = Fleet(app, steady, python)
    load = Load(fleet)
    start = time.monotonic()
    for event in range(1, EVENTS + 1):
        load.keep_up(start + event * SECONDS / (EVENTS + 1))
        if event % 3 == 2:
            steady.stop()
            steady = fleet.native = native("steady", "native,fleet")
        else:
            doomed.kill()
            doomed = native("doomed", "native")
    load.keep_up(start + SECONDS)
    load.finish()
    kills = sum(event % 3 != 2 for event in range(1, EVENTS + 1))
    print(f"{load.sent} workflows in {time.monotonic() - start:.0f} s, {kills} kills")
    check_runs(fleet.ran())


def check_runs(ran):
    # What a killed worker had in hand is delivered again, and may have had its consequences.
    again = {line["flow"] for line in ran if line["redelivered"]}
    runs = collections.Counter(
        (line["flow"], line["task"], line["id"], line["retries"]) for line in ran
    )
    twice = [run for run, count in runs.items() if count > 1 and run[0] not in again]
    assert twice == []
    where = collections.Counter((line["task"], line["where"]) for line in ran)
    print(f"{len(ran)} runs, {len(again)} workflows with a redelivery: {dict(where)}")
    for task in ("add", "retry", "spread", "total"):
        for side in ("python", "native"):
            assert where[f"fleet.{task}", side] > 0, f"{task} has never run in {side}"
