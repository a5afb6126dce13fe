"""The real Flower shows the worker and steers it, through its HTTP API."""

import os
import sys
import time

import pytest
import requests

from support.celeriac import CELERIAC
from support.ports import free_port
from support.process import Process

MODULE = CELERIAC.parent / "modules/remote_tasks.so"
NODE = "w1@flower"


@pytest.fixture
def worker(celeriac):
    return celeriac("-A", MODULE, "-n", NODE, "-c", 2, "-E", "-l", "INFO")


class Flower:
    """A running Flower; `get` and `post` return the JSON of the answer."""

    def __init__(self, process, url):
        self.process, self.url = process, url

    def get(self, path, **params):
        answer = requests.get(f"{self.url}{path}", params=params, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def post(self, path, json=None, **params):
        answer = requests.post(f"{self.url}{path}", params=params, json=json, timeout=30)
        assert answer.ok, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def until(self, path, condition, **params):
        """Asks again until the answer is as wanted: Flower learns of the worker by events."""
        deadline = time.monotonic() + 60
        while True:
            try:
                answer = self.get(path, **params)
            except requests.RequestException as error:
                answer = error
            if not isinstance(answer, Exception) and condition(answer):
                return answer
            assert time.monotonic() < deadline, f"{path}: {answer}\n{self.process.tail()}"
            assert self.process.running, self.process.tail()


@pytest.fixture
def flower(worker, broker_url, redis_url, tmp_path):
    port = free_port()
    # Flower changes limits only of tasks that its own app knows, by name: the team's Python app.
    (tmp_path / "flower_app.py").write_text(
        "import celery\n"
        f"app = celery.Celery('flower_app', broker={broker_url!r}, backend={redis_url!r})\n"
        "@app.task(name='remote.add')\n"
        "def add(x, y): ...\n"
    )
    command = [sys.executable, "-m", "celery", "-A", "flower_app", "flower"]
    command += ["--address=127.0.0.1", f"--port={port}", "--persistent=False"]
    environment = {**os.environ, "FLOWER_UNAUTHENTICATED_API": "true"}
    process = Process("flower", command, tmp_path / "flower.log", env=environment, cwd=tmp_path)
    running = Flower(process, f"http://127.0.0.1:{port}")
    running.until("/api/workers", lambda workers: NODE in workers, refresh="true")
    yield running
    process.terminate()


def test_flower_shows_the_worker(flower, worker):
    shown = flower.get("/api/workers", refresh="true", workername=NODE)[NODE]
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
    flower.post("/api/task/timeout/remote.add", workername=NODE, hard=30, soft=20)
    shown = flower.get("/api/workers", refresh="true", workername=NODE)[NODE]
    assert "remote.add [rate_limit=9/m]" in shown["registered"]


def test_flower_resizes_the_pool(flower):
    flower.post(f"/api/worker/pool/grow/{NODE}", n=3)
    flower.post(f"/api/worker/pool/shrink/{NODE}", n=1)
    shown = flower.get("/api/workers", refresh="true", workername=NODE)[NODE]
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
