"""What the README shows compiles and is valid."""

import re
import shutil
import subprocess

import yaml
from alert_rules import load_schedule
from beat import app

from support.celeriac import CELERIAC, ROOT, environment

README = (ROOT / "README.md").read_text()


def block(language):
    return re.search(rf"```{language}\n(.*?)```", README, re.DOTALL).group(1)


def test_the_task_compiles(tmp_path):
    source = tmp_path / "news.cpp"
    source.write_text(block("cpp"))
    includes = [f"-I{ROOT / part / 'include'}" for part in ("worker", "protocol")]
    compiler = shutil.which("c++")
    command = [compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", *includes]
    subprocess.run([*command, source], check=True, timeout=170)


def test_the_rules_pass_the_check_of_worker_and_beat(tmp_path):
    rules = tmp_path / "alerts.yaml"
    rules.write_text(block("yaml"))
    assert yaml.safe_load(rules.read_text())["rules"]
    assert list(load_schedule(rules, {}, app)) == ["alerts: cpu"]
    secrets = {"LARK_WEBHOOK_URL": "http://127.0.0.1/hook", "LARK_SECRET": "s"}
    subprocess.run([CELERIAC, "check", rules], env=environment(secrets), check=True, timeout=60)


def test_the_readme_is_short():
    assert len(README.splitlines()) < 200
