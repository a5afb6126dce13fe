"""Stock `celery beat` with python_beat's app: what arrives in the broker."""

import os
import sys

from support.celeriac import ROOT
from support.process import Process

RULES = """
rules:
  cpu: {every: 1s, queue: alerts}
  disk: {every: 1s}
  load: {cron: "* * * * *", queue: minutes}
"""


def test_beat_sends_each_rule_in_time_to_its_queue(app, broker_url, tmp_path):
    rules = tmp_path / "alerts.yaml"
    rules.write_text(RULES)
    beat = Process(
        "beat",
        [sys.executable, "-m", "celery", "-A", "beat", "beat", "-s", tmp_path / "schedule"],
        tmp_path / "beat.log",
        env={**os.environ, "CELERY_BROKER_URL": broker_url, "ALERTS_CONFIG": str(rules)},
        cwd=ROOT / "python_beat",
    )
    with app.connection_for_read() as connection:
        channel = connection.default_channel

        def message_in(queue):
            channel.queue_declare(queue, durable=True, auto_delete=False)
            return lambda: channel.basic_get(queue, no_ack=True)

        cpu = beat.wait_until(message_in("alerts"), "message in alerts")
        disk = beat.wait_until(message_in("celery"), "message in celery")
        load = beat.wait_until(message_in("minutes"), "message in minutes", timeout=90)
    beat.terminate()

    assert (cpu.headers["task"], cpu.headers["argsrepr"]) == ("tasks.fetch", "['cpu']")
    assert (disk.headers["task"], disk.headers["argsrepr"]) == ("tasks.fetch", "['disk']")
    assert (load.headers["task"], load.headers["argsrepr"]) == ("tasks.fetch", "['load']")
    for message, expiration in ((cpu, "1000"), (disk, "1000"), (load, "60000")):
        assert message.headers["expires"] is not None
        assert message.properties["expiration"] == expiration
