"""The images of the Dockerfile, made by its very steps, do what docker-compose.yml asks of them."""

import subprocess
import urllib.request

import pytest

from support.celeriac import ROOT
from support.dockerfile import Builder
from support.ports import free_port
from support.process import Process

# The worker is compiled; from a filled ccache it takes a minute.
pytestmark = pytest.mark.timeout(3000)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    yield Builder(folder).build((ROOT / "Dockerfile").read_text())
    subprocess.run(["rm", "-rf", folder], check=True)


@pytest.fixture
def container(images, tmp_path):
    """Starts an image with its own entry point and command, or with other arguments."""
    started = []

    def start(name, *arguments, variables=None, binds=()):
        image = images[name]
        assert image.user != "root"
        words = [*image.entrypoint, *(arguments or image.cmd)]
        command = image.command(words, variables, binds)
        process = Process(name, command, tmp_path / f"{name}.log")
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()


def test_the_worker_runs_as_a_user_and_ends_with_its_container(
    container, app, broker_url, redis_url
):
    urls = {"CELERY_BROKER_URL": broker_url, "CELERY_RESULT_BACKEND": redis_url}
    worker = container("worker", variables=urls)
    worker.wait_for_log(r"\bready\.", 60)
    assert len(app.control.ping(timeout=30, limit=1)) == 1
    assert worker.terminate() == 0


def test_the_worker_checks_a_configuration(images):
    image = images["worker"]
    assert image.run("celeriac", "--version").startswith("celeriac ")
    checked = image.run(
        *("celeriac", "check", "/etc/celeriac/alerts.yaml"),
        variables={
            "INFLUX_URL": "http://influxdb:8086",
            "LARK_WEBHOOK_URL": "http://receiver:9000/",
            "LARK_SECRET": "secret",
            "CELERIAC_ALERTS_REDIS": "redis://redis/1",
        },
        binds=[f"{ROOT}/deploy/demo:/etc/celeriac"],
    )
    assert "no mistakes" in checked


def test_the_worker_image_is_small(images):
    size = images["worker"].size()
    print(f"worker: {size} MB, Debian included")
    assert size < 200
    assert not images["worker"].path("/usr/bin/c++").exists()


def test_beat_fires(container, app, broker_url):
    beat = container(
        "beat",
        variables={"CELERY_BROKER_URL": broker_url, "ALERTS_CONFIG": "/etc/celeriac/alerts.yaml"},
        binds=[f"{ROOT}/deploy/demo:/etc/celeriac"],
    )
    beat.wait_for_log("Sending due task", 60)
    assert "root" not in beat.log


def test_the_receiver_answers(container):
    port = free_port()
    receiver = container("receiver", "--host", "127.0.0.1", "--port", port)

    def answers():
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    receiver.wait_until(answers, "an answer")
