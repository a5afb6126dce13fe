"""Mingle and gossip: with another celeriac, and with a stock Python worker."""

import sys
import uuid

from support.celeriac import CELERIAC, ROOT
from support.process import Process

MODULE = CELERIAC.parent / "modules/remote_tasks.so"


def test_mingle_brings_revoked_tasks_of_the_neighbours(app, celeriac):
    first = celeriac("-A", MODULE, "-n", "first@test", "-l", "INFO")
    task_id = str(uuid.uuid4())
    app.control.revoke(task_id, destination=["first@test"])
    first.wait_for_log(f"Tasks flagged as revoked: {task_id}")
    second = celeriac("-A", MODULE, "-n", "second@test", "-l", "INFO", "--with-mingle")
    second.wait_for_log("mingle: sync with 1 nodes")
    second.wait_for_log("mingle: sync complete")
    revoked = app.control.inspect(destination=["second@test"], timeout=30).revoked()
    assert revoked == {"second@test": [task_id]}


def test_mingle_tells_the_neighbours_of_revoked_tasks(app, celeriac, tmp_path):
    arguments = ("-A", MODULE, "-n", "first@test", "-l", "INFO", "--statedb", tmp_path / "revoked")
    first = celeriac(*arguments)
    task_id = str(uuid.uuid4())
    app.control.revoke(task_id, destination=["first@test"])
    first.wait_for_log(f"Tasks flagged as revoked: {task_id}")
    first.stop()
    celeriac("-A", MODULE, "-n", "second@test", "-l", "INFO")
    celeriac(*arguments, "--with-mingle").wait_for_log("mingle: sync complete")
    revoked = app.control.inspect(destination=["second@test"], timeout=30).revoked()
    assert revoked == {"second@test": [task_id]}


def clock_of(app, node):
    return app.control.inspect(destination=[node], timeout=30).clock()[node]["clock"]


def test_the_clock_follows_that_of_the_neighbours(app, celeriac):
    first = celeriac("-A", MODULE, "-n", "first@test", "-l", "INFO", "--with-gossip")
    app.clock.adjust(1_000_000)
    with app.connection_for_write() as connection:
        dispatcher = app.events.Dispatcher(connection, hostname="other@test")
        dispatcher.send("worker-online", freq=60)
    first.wait_until(lambda: clock_of(app, "first@test") > 1_000_000, "clock of an event", 30)
    second = celeriac("-A", MODULE, "-n", "second@test", "-l", "INFO", "--with-mingle")
    second.wait_for_log("mingle: sync complete")
    assert clock_of(app, "second@test") > 1_000_000


def test_mingle_alone(celeriac):
    celeriac("-A", MODULE, "-l", "INFO", "--with-mingle").wait_for_log("mingle: all alone")


def python_worker(broker_url, tmp_path):
    return Process(
        "Python worker",
        [
            *(sys.executable, "-m", "celery", "-b", broker_url, "worker", "-Q", "python"),
            *("-n", "python@test", "-P", "solo", "-l", "DEBUG"),
        ],
        tmp_path / "python.log",
        cwd=ROOT,
    )


def test_a_python_worker_mingles_and_gossips_with_it(celeriac, broker_url, tmp_path):
    worker = celeriac("-A", MODULE, "-n", "native@test", "-l", "INFO", "--with-gossip")
    python = python_worker(broker_url, tmp_path)
    try:
        python.wait_for_log("mingle: sync with 1 nodes", timeout=90)
        python.wait_for_log(r"python@test ready\.", timeout=90)
        python.wait_for_log("native@test joined the party", timeout=90)
        python.kill()
        worker.wait_for_log("missed heartbeat from python@test", timeout=150)
    finally:
        if python.running:
            python.kill()
