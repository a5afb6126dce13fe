"""`scripts/demo --once`, from beat to the webhook, with the shipped build."""

import json
import subprocess
import sys

import pytest

from support.celeriac import CELERIAC, ROOT, environment


def demo(binary, timeout):
    return subprocess.run(
        [sys.executable, ROOT / "scripts/demo.py", "--once"],
        env=environment({"CELERIAC_BINARY": str(binary)}),
        capture_output=True,
        text=True,
        timeout=timeout,
    )


@pytest.mark.release
def test_the_demo_prints_the_body_that_lark_received():
    done = demo(CELERIAC, timeout=170)
    assert done.returncode == 0, done.stderr
    body = json.loads(done.stdout)
    assert {"timestamp", "sign", "msg_type"} <= set(body)
    text = json.dumps(body)
    assert "web-2" in text or "db-1" in text
    assert "web-1" not in text


@pytest.mark.release
def test_a_demo_without_an_alert_says_why(tmp_path):
    broken = tmp_path / "celeriac"
    broken.write_text("#!/bin/sh\necho cannot start: no luck\nexit 3\n")
    broken.chmod(0o755)
    done = demo(broken, timeout=120)
    assert done.returncode == 1
    assert "No alert: worker ended with 3" in done.stderr
    assert "cannot start: no luck" in done.stderr
