"""Runs the C++ tests that need a broker and a Redis."""

import os
import pathlib
import subprocess

from support.celeriac import CELERIAC, environment


def test_cpp_integration(broker_url, redis_url):
    binary = pathlib.Path(
        os.environ.get("CELERIAC_INTEGRATION_TESTS", CELERIAC.parent / "tests/integration_tests")
    )
    assert binary.exists(), f"{binary} is missing; build it or set CELERIAC_INTEGRATION_TESTS"
    addresses = {"CELERIAC_TEST_AMQP_URL": broker_url, "CELERIAC_TEST_REDIS_URL": redis_url}
    # Those need more than an address: test_broker_control.py runs them.
    command = [binary, "--gtest_filter=-BrokerControl.*:BrokerTls.*"]
    subprocess.run(command, env=environment(addresses), check=True, timeout=900)
