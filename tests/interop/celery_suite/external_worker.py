"""pytest plugin: Celery's integration suite runs against a worker in a process of its own.

The suite's fixture starts the embedded worker through a function that it looks up at run time,
`celery.contrib.testing.worker.start_worker`; this plugin puts another one there. So no file of the
suite is touched. What the suite reads of its own process as "the worker's state" and what an
outsider can know is answered from outside: see `_RevokedStamps` and `_SuccessfulRequests`.

`run` sets what this plugin reads from the environment:
  CELERY_SUITE_SHARDS   JSON: [{"broker": URL, "redis_port": N}, …], one for each pytest process
  CELERY_SUITE_WORKER   JSON: the command, with {node}, {broker} and {backend} to be filled in
  CELERY_SUITE_BACKEND  redis or rpc
  CELERY_SUITE_FOLDER   where logs and the outcomes go
"""

import contextlib
import json
import os
import pathlib
import subprocess

import celery.contrib.testing.worker as testing_worker
import pytest
from celery.backends.asynchronous import AsyncBackendMixin
from celery.utils.nodenames import anon_nodename
from celery.worker import state as worker_state
from selection import DESELECTED, SLOWEST

_process = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
_shards = json.loads(os.environ["CELERY_SUITE_SHARDS"])
_shard = _shards[int(_process.removeprefix("gw"))]
_folder = pathlib.Path(os.environ["CELERY_SUITE_FOLDER"])
_backend = f"redis://127.0.0.1:{_shard['redis_port']}/0"
if os.environ["CELERY_SUITE_BACKEND"] == "rpc":
    _backend = "rpc://"

# Read by the suite's conftest when it is imported, which is after this file; and by the tasks.
os.environ["TEST_BROKER"] = _shard["broker"]
os.environ["TEST_BACKEND"] = _backend
os.environ["REDIS_HOST"] = "127.0.0.1"
os.environ["REDIS_PORT"] = str(_shard["redis_port"])


class ExternalWorker:
    """The worker under test. `running` is None until the suite asks for one."""

    running = None

    def __init__(self, app):
        self._app = app
        self._node = anon_nodename()
        self._log = (_folder / f"worker-{_process}.log").open("ab", buffering=0)
        self._command = [
            part.format(node=self._node, broker=_shard["broker"], backend=_backend)
            for part in json.loads(os.environ["CELERY_SUITE_WORKER"])
        ]
        self._process = None

    def start(self):
        from celery.contrib.testing.tasks import ping
        from celery.result import _set_task_join_will_block, allow_join_result

        self._launch()
        with allow_join_result():
            assert ping.delay().get(timeout=60) == "pong"
        _set_task_join_will_block(False)

    def restart(self):
        """Returns when it can be reached.

        What the old one had fetched and not begun is back in the queue. It is dropped, as the
        suite drops it next: the new worker would take it first and know of no revoked stamp.
        """
        self.stop()
        self._app.control.purge()
        self._launch()
        inspect = self._app.control.inspect([self._node], timeout=1)
        for _ in range(60):
            if inspect.ping():
                return
        raise AssertionError(f"the worker does not answer; see {self._log.name}")

    def _launch(self):
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log
        )

    def stop(self):
        self._process.terminate()
        code = self._process.wait(60)
        assert code == 0, f"the worker ended with {code}; see {self._log.name}"

    def check(self):
        """Fails if the worker is gone; starts another one for the tests to come."""
        code = self._process.poll()
        if code is not None:
            self.start()
            pytest.fail(f"the worker ended with {code} during this test; see {self._log.name}")

    def log_size(self):
        return pathlib.Path(self._log.name).stat().st_size

    def log_since(self, offset):
        with open(self._log.name, "rb") as log:
            log.seek(offset)
            return log.read()[-60000:].decode(errors="replace")


class _RevokedStamps(dict):
    """`worker.state.revoked_stamps`: the suite clears it so that no stamp is revoked any more.

    There is no remote control command for that; a worker that has just started knows none either.
    """

    def clear(self):
        ExternalWorker.running.restart()


class _SuccessfulRequests:
    """`worker.state.successful_requests`: the ids that the worker's log says have succeeded."""

    def __contains__(self, task_id):
        return f"[{task_id}] succeeded in " in ExternalWorker.running.log_since(0)


@contextlib.contextmanager
def _start_worker(app, concurrency=1, **_):
    assert concurrency == 1, "the suite counts on a worker with one slot"
    app.finalize()
    app.set_current()
    app.set_default()
    worker = ExternalWorker(app)
    worker_state.revoked_stamps = _RevokedStamps()
    worker_state.successful_requests = _SuccessfulRequests()
    worker.start()
    ExternalWorker.running = worker
    try:
        yield worker
    finally:
        ExternalWorker.running = None
        worker.stop()


testing_worker.start_worker = _start_worker


_wait_for_pending = AsyncBackendMixin._wait_for_pending


def _wait_and_look_at_parents(self, result, on_interval=None, **kwargs):
    """Looks for failed parents once more when the result is there.

    `get` does so before it waits and after whatever it hears, but not if the result came between
    its first look at the parents and its first look at the result. Then a chord's body raises
    ChordError instead of what its header raised, which the suite wants to see. A worker in the same
    Python process is too slow for that, another Python process is not always.
    """
    yield from _wait_for_pending(self, result, on_interval=on_interval, **kwargs)
    if on_interval:
        on_interval()


AsyncBackendMixin._wait_for_pending = _wait_and_look_at_parents


def _name(item):
    return item.nodeid.split("[")[0].removeprefix("t/integration/")


def pytest_collection_modifyitems(config, items):
    """Drops what cannot judge another process, by name; a name without a test is an error."""
    missing = {*DESELECTED, *SLOWEST} - {_name(item) for item in items}
    if os.environ["CELERY_SUITE_WHOLE"] == "1" and missing:
        raise pytest.UsageError(f"selection.py names tests that do not exist: {sorted(missing)}")
    kept = [item for item in items if _name(item) not in DESELECTED]
    dropped = [item for item in items if _name(item) in DESELECTED]
    items[:] = _slowest_apart(kept)
    config.hook.pytest_deselected(items=dropped)


def _slowest_apart(items):
    """Each process begins with some of the slowest: it is dealt one stretch of the tests."""
    others = [item for item in items if _name(item) not in SLOWEST]
    slow = [item for name in SLOWEST for item in items if _name(item) == name]
    count = len(_shards)
    dealt = []
    for number in range(count):
        dealt += slow[number::count]
        dealt += others[len(others) * number // count : len(others) * (number + 1) // count]
    return dealt


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item, nextitem):
    worker = ExternalWorker.running
    item.worker_log_offset = worker.log_size() if worker else 0
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item):
    if ExternalWorker.running:
        ExternalWorker.running.check()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed and ExternalWorker.running:
        log = ExternalWorker.running.log_since(item.worker_log_offset)
        report.sections.append(("the worker's log during this test", log))
    return report


class _Outcomes:
    """One word for each test: the worst of its phases and subtests."""

    _ORDER = ("passed", "skipped", "xfailed", "failed")

    def __init__(self):
        self._by_test = {}

    def pytest_runtest_logreport(self, report):
        word = report.outcome
        if hasattr(report, "wasxfail") and report.skipped:
            word = "xfailed"
        known = self._by_test.get(report.nodeid, "passed")
        self._by_test[report.nodeid] = max(word, known, key=self._ORDER.index)

    def pytest_sessionfinish(self):
        (_folder / "outcomes.json").write_text(json.dumps(self._by_test, indent=1))


def pytest_configure(config):
    if not hasattr(config, "workerinput"):  # once, in the process that hears of every test
        config.pluginmanager.register(_Outcomes())
