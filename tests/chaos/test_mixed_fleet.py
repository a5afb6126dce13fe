"""Python and C++ workers share queues and workflows under load, while C++ workers come and go.

FLEET_WORKFLOWS sets how many workflows are sent (each is some 20 tasks), FLEET_SEED which ones.
"""

import collections
import os
import random
import time

import pytest
from celery import chain, chord, group
from celery.exceptions import ChordError

from support.fleet import FOLDER, MODULE, Fleet

WORKFLOWS = int(os.environ.get("FLEET_WORKFLOWS", "300"))
SEED = int(os.environ.get("FLEET_SEED", "1"))
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


class Progress:
    """How many of the workflows have ended."""

    def __init__(self, fleet, results):
        self._redis = fleet.redis
        self._open = {result.id for result in results}
        self._size = len(results)

    def reach(self, share):
        """Returns when that share of the workflows has ended."""
        deadline = time.monotonic() + PATIENCE
        while len(self._open) > (1 - share) * self._size:
            ended = {task_id for task_id in self._open if self._has_ended(task_id)}
            if ended:
                self._open -= ended
                deadline = time.monotonic() + PATIENCE
            assert time.monotonic() < deadline, f"{len(self._open)} workflows do not end"
            time.sleep(0.1)

    def _has_ended(self, task_id):
        document = self._redis.get(f"celery-task-meta-{task_id}") or b""
        return b'"status": "SUCCESS"' in document or b'"status": "FAILURE"' in document


def test_every_result_is_right_and_nothing_is_done_twice(app, celeriac, python_worker):
    def native(name, queues):
        return celeriac("-A", MODULE, "-n", f"{name}@test", "-Q", queues, "-c", 4, "-l", "INFO")

    python = python_worker(
        "fleet_tasks", FOLDER, "-n", "python@test", "-Q", "python,fleet", "-c", 2
    )
    steady = native("steady", "native,fleet")
    doomed = native("doomed", "native")
    fleet = Fleet(app, steady, python)
    workflows = [Workflow(fleet, number) for number in range(WORKFLOWS)]
    results = [workflow.signature.apply_async() for workflow in workflows]

    progress = Progress(fleet, results)
    progress.reach(0.2)
    doomed.kill()
    doomed = native("doomed", "native")
    progress.reach(0.4)
    steady.stop()
    steady = fleet.native = native("steady", "native,fleet")
    progress.reach(0.6)
    doomed.kill()
    doomed = native("doomed", "native")
    progress.reach(1.0)
    for workflow, result in zip(workflows, results, strict=True):
        workflow.check(result)
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
