"""A worker that ends badly fails its test, even when the test itself saw nothing wrong."""

import os

import pytest

from support.celeriac import Worker

STUB = """#!/bin/sh
trap '{on_term}' TERM
echo "celery@stub ready."
while :; do sleep 0.05; done
"""


@pytest.fixture
def stub(tmp_path):
    """Starts a program that stands in for the worker and does this at TERM."""

    def start(on_term):
        path = tmp_path / "stub"
        path.write_text(STUB.format(on_term=on_term))
        path.chmod(0o755)
        return Worker([], tmp_path / "log", dict(os.environ), binary=path).wait_ready()

    return start


def test_a_clean_stop_is_fine(stub):
    assert stub("exit 0").stop() == 0


def test_an_exit_code_is_an_error(stub):
    with pytest.raises(AssertionError, match="ended with 3"):
        stub("exit 3").stop()


def test_a_sanitizer_report_is_an_error(stub):
    with pytest.raises(AssertionError, match="sanitizer report"):
        stub("echo ==1==ERROR: AddressSanitizer: heap-use-after-free; exit 0").stop()


def test_a_worker_that_does_not_stop_is_an_error(stub):
    with pytest.raises(AssertionError, match=r"did not end within 0\.2 s"):
        stub(":").stop(timeout=0.2)


def test_a_killed_worker_has_no_exit_code_to_answer_for(stub):
    worker = stub("exit 0")
    worker.kill()
    worker.check(worker.returncode)


def test_a_missing_binary_is_an_error(tmp_path):
    with pytest.raises(AssertionError, match="is missing"):
        Worker([], tmp_path / "log", {}, binary=tmp_path / "nothing")
