"""What somebody reads who makes a common mistake: one line that names it and the way out."""

import subprocess

import pytest

from support.celeriac import CELERIAC, environment

MISTAKES = {
    "another broker": (
        ["worker", "-b", "redis://localhost/0"],
        "Error: the broker's address is redis://localhost/0; it must be RabbitMQ's, as "
        "amqp://user:password@host:5672/vhost, or amqps:// for TLS. Redis, SQS and others are not "
        "supported\n",
    ),
    "another result backend": (
        ["worker", "--result-backend", "db+sqlite:///results"],
        "Error: result_backend db+sqlite:///results is not supported; use redis://, rediss://, "
        "redis+socket:// or rpc://, or leave it out to keep no results\n",
    ),
    "Sentinel": (
        ["worker", "--result-backend", "sentinel://localhost:26379/0"],
        "Error: result_backend sentinel://localhost:26379/0 is not supported; use ",
    ),
    "a Python application": (
        ["worker", "-A", "proj"],
        "Error: cannot load the task module 'proj': proj: cannot open shared object file: No such "
        "file or directory; -A takes the path of a shared object made with CELERIAC_MODULE, not a "
        "Python application\n",
    ),
    "no such file": (
        ["worker", "--config", "none.yaml"],
        "Error: none.yaml: cannot be read: No such file or directory\n",
    ),
    "a misspelt option": (
        ["worker", "--concurency", "2"],
        "Error: No such option: --concurency Did you mean --concurrency?\n",
    ),
    "a misspelt setting": (
        ["worker", "task_ack_late=true"],
        "Error: task_ack_late=true: there is no setting 'task_ack_late'; did you mean "
        "'task_acks_late'?\n",
    ),
    "no number": (
        ["worker", "-c", "many"],
        "Error: --concurrency: worker_concurrency is 'many'; it must be a whole number from 0 to "
        "1000000\n",
    ),
    "no port": (
        ["worker", "--http", "metrics"],
        "Error: --http is 'metrics'; it must be [HOST:]PORT, as 8000 or 127.0.0.1:8000\n",
    ),
    "beat inside": (["worker", "-B"], "run `celery -A APP beat` as a process of its own"),
    "nothing to check": (["check"], "Usage: celeriac check [OPTIONS] FILE\n"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_mistake_is_named_with_the_way_out(mistake, tmp_path):
    arguments, text = MISTAKES[mistake]
    done = subprocess.run(
        [CELERIAC, *arguments],
        cwd=tmp_path,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode in (1, 2)
    assert text in done.stderr
    assert done.stdout == ""  # no banner in front


def test_a_name_that_another_worker_has_is_told(celeriac):
    celeriac("-n", "w1@test", "-l", "INFO")
    second = celeriac("-n", "w1@test", "-l", "INFO", ready=None)
    second.wait_for_log(
        r"ERROR/MainProcess\] consumer: Cannot connect to .*'w1@test\.celery\.pidbox'.*"
        r"Does another worker run under this name\? Give each its own with -n\. Trying again in",
        60,
    )
