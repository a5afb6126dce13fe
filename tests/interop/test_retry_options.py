"""The next try is the message that a Python worker publishes for the same `self.retry(...)`."""

import datetime
import json
import sys

import kombu
import pytest

from support.celeriac import CELERIAC
from support.process import Process

pytestmark = pytest.mark.needs_celery("5.7", "a worker that retries as 5.7 does")

MODULE = CELERIAC.parent / "modules/retry_tasks.so"
TIMEOUT = 60
CONTENT = ["json", "yaml", "msgpack"]

# The same task in Python.
APP = """\
import datetime
import celery
app = celery.Celery('retry_app', broker={broker!r}, backend={backend!r})
app.conf.task_default_queue = 'python'
app.conf.accept_content = ['json', 'yaml', 'msgpack']

def ask(self, options, other=None):
    if self.request.retries: return self.request.retries
    options = dict(options)
    for name in ('eta', 'expires'):
        if isinstance(options.get(name), str):
            options[name] = datetime.datetime.fromisoformat(options[name])
    raise self.retry(**options)
app.task(name='retry.on_loop', bind=True)(ask)
app.task(name='retry.in_pool', bind=True)(ask)
"""

NEXT = {
    **{"task": "other.task", "args": [1], "kwargs": {}, "options": {}},
    **{"subtask_type": None, "immutable": True},
}
NEW_YEAR = "2040-01-01T00:00:00+00:00"
# RabbitMQ takes no time-to-live of years.
NEXT_WEEK = datetime.datetime.now(datetime.UTC).replace(microsecond=0) + datetime.timedelta(
    seconds=600_000
)
CASES = [
    {},
    {"countdown": 0},
    {"countdown": 3000},
    {"eta": NEW_YEAR},
    {"eta": NEW_YEAR, "countdown": 0},
    {"eta": NEW_YEAR, "countdown": 3000},
    {"expires": 3000},
    {"expires": NEXT_WEEK.isoformat()},
    {"time_limit": 30},
    {"time_limit": 30, "soft_time_limit": 20.5},
    {"priority": 7},
    {"headers": {"x-new": "h"}},
    {"headers": {}},
    {"link": [NEXT]},
    {"link_error": [NEXT]},
    {"link": []},
    {"shadow": "another name"},
    {"serializer": "yaml"},
    {"serializer": "msgpack", "compression": "gzip"},
    {"ignore_result": True},
    {"args": [{}, "new"]},
    {"kwargs": {"other": "named"}},
]
# What the first try came with; the second of them says more than Celery's defaults.
CALLS = [
    {},
    {
        **{"priority": 3, "expires": 6000, "time_limit": 60, "soft_time_limit": 50},
        **{"headers": {"x-old": "h"}, "link": [NEXT], "link_error": [NEXT], "shadow": "a name"},
    },
]
# Those that name a way: to the exchange `retries`, or back.
WAYS = [
    {"exchange": "retries", "routing_key": "again"},
    {"queue": "celery", "exchange": "retries", "routing_key": "again"},
]
BACK = [{"exchange": "retries"}, {"routing_key": "again"}]


@pytest.fixture
def workers(celeriac, broker_url, redis_url, app, tmp_path):
    """The queues of a Python worker, one of ours and one with child processes."""
    (tmp_path / "retry_app.py").write_text(APP.format(broker=broker_url, backend=redis_url))
    command = [sys.executable, "-m", "celery", "-A", "retry_app", "worker", "-l", "INFO"]
    command += ["-c", "1", "-P", "solo"]
    python = Process("Python worker", command, tmp_path / "python.log", cwd=tmp_path)
    config = {"worker": {"accept_content": CONTENT}}
    celeriac("-A", MODULE, "-l", "INFO", "-n", "w1@test", config=config)
    prefork = ("-n", "w2@test", "-Q", "prefork", "-P", "prefork")
    celeriac("-A", MODULE, "-l", "INFO", *prefork, config=config)
    python.wait_for_log(r"ready\.", 90)
    yield
    python.kill()


class Elsewhere:
    """A queue that nobody consumes, reached by name and through an exchange."""

    def __init__(self, channel):
        self.queue = kombu.Queue("elsewhere", channel=channel)
        self.queue.declare()
        exchange = kombu.Exchange("retries", "direct", channel=channel)
        exchange.declare()
        self.queue.bind_to(exchange, "again")

    def take(self):
        arrived = []
        with kombu.Consumer(
            *(self.queue.channel, self.queue),
            no_ack=True,
            accept=CONTENT,
            auto_declare=False,
            on_message=arrived.append,
        ):
            while not arrived:
                self.queue.channel.connection.client.drain_events(timeout=TIMEOUT)
        (message,) = arrived
        return message


@pytest.fixture
def elsewhere(app):
    with app.connection_for_read() as connection:
        yield Elsewhere(connection.default_channel)


def seconds_from_now(text):
    """Of a time in a header, in thousands: both workers wrote it in this test."""
    if text is None:
        return None
    time = datetime.datetime.fromisoformat(text)
    return round((time - datetime.datetime.now(datetime.UTC)).total_seconds() / 1000)


def told(message, task_id):
    """The message without what differs from one call to the next."""
    headers = dict(message.headers)
    for name in ("eta", "expires"):
        if headers[name] != NEW_YEAR:
            headers[name] = seconds_from_now(headers[name])
    headers.pop("task")
    properties = dict(message.properties)
    properties.pop("application_headers", None)
    if "expiration" in properties:
        properties["expiration"] = round(int(properties["expiration"]) / 1_000_000)
    info = {name: message.delivery_info[name] for name in ("exchange", "routing_key")}
    content = (message.content_type, message.content_encoding)
    parts = [headers, properties, info, content, message.decode()]
    return json.loads(json.dumps(parts, sort_keys=True).replace(task_id, "ID"))


RUNNERS = {
    "a coroutine": ("celery", "retry.on_loop"),
    "a thread": ("celery", "retry.in_pool"),
    "a child process": ("prefork", "retry.in_pool"),
}


def test_a_retry_takes_the_options_that_celery_takes(workers, app, elsewhere):
    def published(queue, task, options, call):
        sent = app.send_task(task, [options, "old"], queue=queue, **call)
        return told(elsewhere.take(), sent.id)

    differences = []
    for call in CALLS:
        for case in [*({"queue": "elsewhere", **case} for case in CASES), *WAYS]:
            theirs = published("python", "retry.on_loop", case, call)
            for runner, (queue, task) in RUNNERS.items():
                ours = published(queue, task, case, call)
                if ours != theirs:
                    differences.append((runner, case, sorted(call), ours, theirs))
    assert differences == []


def test_half_a_way_leads_back(workers, app):
    """To an exchange without a key, or the other way round: Celery takes the queue it came from."""
    ways = [("python", "retry.on_loop"), *RUNNERS.values()]
    for case in BACK:
        for queue, task in ways:
            result = app.send_task(task, [{**case, "countdown": 0}], queue=queue)
            assert result.get(timeout=TIMEOUT) == 1, f"{case} in {queue}"
