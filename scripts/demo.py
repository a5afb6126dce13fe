"""The running part of scripts/demo."""

import contextlib
import os
import pathlib
import signal
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "deploy/demo")]

from seed import seed  # noqa: E402

from support.fake_channels import FakeChannels  # noqa: E402
from support.process import Process  # noqa: E402
from support.servers import InfluxDB, RabbitMQ, Redis, ServerError  # noqa: E402

RULES = ROOT / "deploy/demo/alerts.yaml"
WORKER = pathlib.Path(os.environ.get("CELERIAC_BINARY", ROOT / "build/release/celeriac"))
FIRST_ALERT_TIMEOUT = 120


class Demo:
    """All parts, started in the order in which they need each other."""

    def __init__(self, stack):
        self._stack = stack
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="celeriac-demo-"))
        stack.callback(self._remove_folder)
        self.rabbitmq = self._start("RabbitMQ", RabbitMQ)
        self.redis = self._start("Redis", Redis)
        self.influxdb = self._start("InfluxDB", InfluxDB)
        self.influxdb.create_database("mon")
        seed(self.influxdb.url)
        self.receiver = stack.enter_context(FakeChannels())
        self.bot = self.receiver.lark(secret="demo-secret")
        environment = self._environment()
        self.worker = self._run(
            "worker",
            [WORKER, "worker", "--config", RULES, "-l", "info"],
            environment,
            ROOT,
        )
        self.worker.wait_for_log(r"\bready\.", 30)
        say("celeriac", f"pid {self.worker.pid}, log {self.worker.log_path}")
        self.beat = self._run(
            "beat",
            [
                *(sys.executable, "-m", "celery", "-A", "beat", "beat", "-l", "info"),
                *("-s", self.folder / "schedule"),
            ],
            environment,
            ROOT / "python_beat",
        )
        say("celery beat", f"pid {self.beat.pid}, log {self.beat.log_path}")

    def _start(self, title, kind):
        server = self._stack.enter_context(kind())
        url = server.url if isinstance(server.url, str) else server.url()
        say(title, url)
        return server

    def _environment(self):
        return {
            **os.environ,
            "CELERY_BROKER_URL": self.rabbitmq.url(),
            "CELERY_RESULT_BACKEND": self.redis.url(0),
            "ALERTS_CONFIG": str(RULES),
            "INFLUX_URL": self.influxdb.url,
            "CELERIAC_ALERTS_REDIS": self.redis.url(1),
            "LARK_WEBHOOK_URL": self.bot.url,
            "LARK_SECRET": self.bot.secret,
        }

    def _run(self, name, command, environment, cwd):
        process = Process(name, command, self.folder / f"{name}.log", environment, cwd)
        self._stack.callback(process.terminate)
        return process

    def _remove_folder(self):
        for file in self.folder.iterdir():
            file.unlink()
        self.folder.rmdir()

    def next_message(self, number, timeout):
        """The message of this number. Raises AssertionError with the reason if none comes."""

        def arrived():
            self._check_alive(self.beat)
            return self.bot.messages[number] if len(self.bot.messages) > number else None

        return self.worker.wait_until(arrived, "message at the webhook", timeout)

    @staticmethod
    def _check_alive(process):
        if not process.running:
            raise AssertionError(
                f"{process.name} ended with {process.returncode}:\n{process.tail()}"
            )

    def refusals(self):
        """What the webhook answered to messages that it did not take."""
        return [f"{a.answer.status} {a.answer.body}" for a in self.bot.attempts if not a.accepted]


def say(name, text):
    print(f"  {name:12} {text}", file=sys.stderr, flush=True)


def once(demo):
    message = demo.next_message(0, FIRST_ALERT_TIMEOUT)
    print(message.request.raw.decode())


def follow(demo):
    print(
        f"""
Every 5 seconds beat sends `tasks.fetch` for each rule of {RULES.relative_to(ROOT)}.
An alarm is told once in 30 minutes; make another and see it arrive:

  curl -d 'cpu,host=web-3 usage=99' '{demo.influxdb.url}/write?db=mon'

More to look at:
  tail -f {demo.worker.log_path}
  redis-cli -p {demo.redis.port} -n 1 keys '*'
  http://127.0.0.1:{demo.rabbitmq.management_port}/  (user and password: {demo.rabbitmq.user})

Ctrl-C ends everything.
""",
        file=sys.stderr,
    )
    for number in range(sys.maxsize):
        message = demo.next_message(number, timeout=float("inf"))
        clock = time.strftime("%H:%M:%S", time.localtime(message.request.at))
        print(f"── {clock} · Lark received {len(message.request.raw)} bytes ──")
        print(message.text + "\n", flush=True)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    demo = None
    try:
        with contextlib.ExitStack() as stack:
            print("Starting", file=sys.stderr)
            try:
                demo = Demo(stack)
                (once if sys.argv[1:] == ["--once"] else follow)(demo)
            except (AssertionError, ServerError, OSError) as error:
                print(f"\nNo alert: {error}", file=sys.stderr)
                for refusal in demo.refusals() if demo else []:
                    print(f"The webhook answered: {refusal}", file=sys.stderr)
                return 1
            finally:
                print("Stopping", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
