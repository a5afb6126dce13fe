"""Runs the C++ tests that restart, block and close a broker, on a broker of their own."""

import os
import pathlib
import socketserver
import subprocess
import threading

import pytest

from support.celeriac import CELERIAC, environment
from support.servers import RabbitMQ


@pytest.fixture
def broker():
    with RabbitMQ() as server:
        yield server


@pytest.fixture
def control(broker, tmp_path):
    """The path of a socket that takes one command a connection and answers `done`."""
    commands = {
        "stop": broker.stop,
        "start": broker.start,
        "close connections": lambda: broker.close_connections("/"),
        "raise alarm": lambda: broker.ctl("set_vm_memory_high_watermark", "absolute", "1MB"),
        "lower alarm": lambda: broker.ctl("set_vm_memory_high_watermark", "absolute", "1GB"),
    }

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            try:
                commands[self.rfile.readline().decode().strip()]()
                answer = "done"
            except Exception as error:
                answer = repr(error)
            self.wfile.write(answer.encode())

    path = str(tmp_path / "control")
    with socketserver.UnixStreamServer(path, Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield path
        server.shutdown()
        thread.join()


def test_broker_control(broker, control):
    binary = pathlib.Path(
        os.environ.get("CELERIAC_INTEGRATION_TESTS", CELERIAC.parent / "tests/integration_tests")
    )
    assert binary.exists(), f"{binary} is missing; build it or set CELERIAC_INTEGRATION_TESTS"
    variables = {
        "CELERIAC_TEST_AMQP_URL": broker.url(),
        "CELERIAC_TEST_BROKER_CONTROL": control,
    }
    subprocess.run(
        [binary, "--gtest_filter=BrokerControl.*"],
        env=environment(variables),
        check=True,
        timeout=900,
    )
