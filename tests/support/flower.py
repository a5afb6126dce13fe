"""The real Flower, with what a test asks of its HTTP API."""

import os
import sys
import time

import requests

from support.ports import free_port
from support.process import Process

# Flower changes limits only of tasks that its own app knows, by name: the team's Python app.
_APP = """\
import celery
app = celery.Celery('flower_app', broker={broker!r}, backend={backend!r})
@app.task(name='remote.add')
def add(x, y): ...
@app.task(name='remote.sleep')
def sleep(seconds): ...
"""


class Flower:
    """Runs inside `with`; knows the node when it is entered."""

    def __init__(self, node, broker_url, redis_url, broker_api, folder):
        self.node, self.folder = node, folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.broker_api = broker_api
        (folder / "flower_app.py").write_text(_APP.format(broker=broker_url, backend=redis_url))

    def __enter__(self):
        command = [sys.executable, "-m", "celery", "-A", "flower_app", "flower"]
        command += ["--address=127.0.0.1", f"--port={self.port}", "--persistent=False"]
        command += [f"--broker-api={self.broker_api}"]
        environment = {**os.environ, "FLOWER_UNAUTHENTICATED_API": "true"}
        log = self.folder / "flower.log"
        self.process = Process("flower", command, log, env=environment, cwd=self.folder)
        try:
            self.until("/api/workers", lambda workers: self.node in workers, refresh="true")
        except BaseException:
            self.process.kill()
            raise
        return self

    def __exit__(self, *exception):
        self.process.terminate()

    def get(self, path, **params):
        answer = requests.get(f"{self.url}{path}", params=params, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def post(self, path, json=None, **params):
        answer = requests.post(f"{self.url}{path}", params=params, json=json, timeout=30)
        assert answer.ok, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def worker(self):
        """What Flower now hears from the worker, asked anew."""
        return self.get("/api/workers", refresh="true", workername=self.node)[self.node]

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
