"""The real Flower shows the worker and steers it, through its HTTP API."""

import pytest

from support.celeriac import CELERIAC
from support.flower import Flower

MODULE = CELERIAC.parent / "modules/remote_tasks.so"
NODE = "w1@flower"


@pytest.fixture
def worker(celeriac):
    return celeriac("-A", MODULE, "-n", NODE, "-c", 2, "-E", "-l", "INFO")


@pytest.fixture
def flower(worker, broker_url, redis_url, rabbitmq, tmp_path):
    with Flower(NODE, broker_url, redis_url, rabbitmq.management_url, tmp_path) as running:
        yield running


def test_flower_shows_the_worker(flower, worker):
    shown = flower.worker()
    assert shown["stats"]["pool"]["max-concurrency"] == 2
    assert shown["stats"]["pid"] == worker.pid
    assert [queue["name"] for queue in shown["active_queues"]] == ["celery"]
    assert "remote.add" in shown["registered"]
    assert shown["conf"]["worker_prefetch_multiplier"] == 4


def test_flower_follows_a_task(flower, app):
    result = app.send_task("remote.add", [2, 3])
    assert result.get(timeout=30) == 5
    task = flower.until(f"/api/task/info/{result.id}", lambda task: task.get("state") == "SUCCESS")
    assert task["name"] == "remote.add"
    assert task["args"] == "[2, 3]"
    assert task["result"] == "5"
    assert task["worker"] == NODE
    assert task["root_id"] == result.id


def test_flower_sends_a_task_and_reads_its_result(flower):
    sent = flower.post("/api/task/send-task/remote.add", json={"args": [20, 22]})
    result = flower.until(
        f"/api/task/result/{sent['task-id']}", lambda task: task["state"] == "SUCCESS"
    )
    assert result["result"] == 42


def test_flower_changes_limits(flower):
    flower.post("/api/task/rate-limit/remote.add", workername=NODE, ratelimit="9/m")
    flower.post("/api/task/timeout/remote.sleep", workername=NODE, hard=30, soft=20)
    shown = flower.worker()
    assert "remote.add [rate_limit=9/m]" in shown["registered"]


def test_flower_resizes_the_pool(flower):
    flower.post(f"/api/worker/pool/grow/{NODE}", n=3)
    flower.post(f"/api/worker/pool/shrink/{NODE}", n=1)
    shown = flower.worker()
    assert shown["stats"]["pool"]["max-concurrency"] == 4


def test_flower_adds_and_cancels_a_queue(flower, worker):
    flower.post(f"/api/worker/queue/add-consumer/{NODE}", queue="more")
    worker.wait_for_log("Started consuming from more", 30)
    flower.post(f"/api/worker/queue/cancel-consumer/{NODE}", queue="more")
    worker.wait_for_log("Canceling queue more", 30)


def test_flower_revokes_a_running_task(flower, worker, app):
    result = app.send_task("remote.sleep", [3600])
    flower.until(f"/api/task/info/{result.id}", lambda task: task.get("state") == "STARTED")
    flower.post(f"/api/task/revoke/{result.id}", terminate="true", signal="SIGTERM")
    worker.wait_for_log(rf"Terminating {result.id}", 30)
    flower.until(f"/api/task/info/{result.id}", lambda task: task.get("state") == "REVOKED")


def test_flower_shuts_the_worker_down(flower, worker):
    flower.post(f"/api/worker/shutdown/{NODE}")
    assert worker.wait(60) == 0
