"""A mixed fleet: Python and C++ workers with the same tasks, chosen by queue.

Queue `python` is served by Celery's own worker, `native` by celeriac, `fleet` by both.
"""

import json
import pathlib
import time

from support.celeriac import CELERIAC, ROOT

MODULE = CELERIAC.parent / "tests/fleet_tasks.so"
FOLDER = pathlib.Path(ROOT, "tests/interop/mixed_fleet")
TIMEOUT = 60


class Fleet:
    """What a test sends to it and sees of it. `native` and `python` are its workers."""

    def __init__(self, app, native, python):
        self.app = app
        self.redis = app.backend.client
        self.native = native
        self.python = python

    def sig(self, task, *args, on, **kwargs):
        """`fleet.sig("add", 1, 2, on="python")`."""
        return self.app.signature(f"fleet.{task}", args, kwargs, queue=on)

    def ran(self, task=None):
        """What the tasks that ran have recorded of themselves, in the order of their starts."""
        lines = [json.loads(line) for line in self.redis.lrange("ran", 0, -1)]
        return [line for line in lines if task is None or line["task"] == f"fleet.{task}"]

    def open(self, gate):
        """Lets the tasks end that wait there."""
        self.redis.rpush(gate, "open")

    def worker(self, side):
        return {"native": self.native, "python": self.python}[side]

    def wait_until(self, condition, what):
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            assert time.monotonic() < deadline, f"no {what} within {TIMEOUT} s"
            assert self.native.running
            assert self.python.running
            time.sleep(0.02)


class ChordKeys:
    """What counts one chord in Redis."""

    def __init__(self, redis, group_id):
        self._redis = redis
        self._group_id = group_id

    def key(self, suffix):
        return f"celery-taskset-meta-{self._group_id}{suffix}"

    def counted(self):
        return self._redis.zcard(self.key(".j"))

    def left(self):
        """The suffixes of the counters that are there."""
        return {
            suffix for suffix in (".j", ".d", ".s", ".t") if self._redis.exists(self.key(suffix))
        }
