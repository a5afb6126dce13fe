"""Runs the C++ tests that restart, block or close a broker or use TLS, on one of their own."""

import os
import pathlib
import socketserver
import subprocess
import threading

import pytest

from support.celeriac import CELERIAC, environment
from support.ports import free_port
from support.servers import RabbitMQ


@pytest.fixture
def certificate(tmp_path):
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    paths = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"),
            *("-out", paths[0], "-keyout", paths[1]),
        ],
        check=True,
        capture_output=True,
    )
    return paths


@pytest.fixture
def tls_port():
    return free_port()


@pytest.fixture
def broker(certificate, tls_port):
    config = (
        f"listeners.ssl.1 = 127.0.0.1:{tls_port}\n"
        f"ssl_options.cacertfile = {certificate[0]}\n"
        f"ssl_options.certfile = {certificate[0]}\n"
        f"ssl_options.keyfile = {certificate[1]}\n"
    )
    with RabbitMQ(config) as server:
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


def test_broker_control(broker, control, certificate, tls_port):
    binary = pathlib.Path(
        os.environ.get("CELERIAC_INTEGRATION_TESTS", CELERIAC.parent / "tests/integration_tests")
    )
    assert binary.exists(), f"{binary} is missing; build it or set CELERIAC_INTEGRATION_TESTS"
    variables = {
        "CELERIAC_TEST_AMQP_URL": broker.url(),
        "CELERIAC_TEST_BROKER_CONTROL": control,
        "CELERIAC_TEST_AMQPS_URL": f"amqps://{broker.user}:{broker.password}@localhost:{tls_port}//",
        "CELERIAC_TEST_CA": str(certificate[0]),
    }
    subprocess.run(
        [binary, "--gtest_filter=BrokerControl.*:BrokerTls.*"],
        env=environment(variables),
        check=True,
        timeout=900,
    )
