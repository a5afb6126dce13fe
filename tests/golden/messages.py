"""Records what Celery publishes and stores: `python tests/golden/messages.py > messages.json`.

Nothing is sent anywhere. Ids, times and origins are pinned, so that the record is reproducible
and an encoder can be held to every byte.
"""

import base64
import datetime
import decimal
import json
import re
import sys
import uuid

import celery
import celery.app.amqp
import kombu
import kombu.messaging
from celery.app.trace import build_tracer
from kombu.utils import json as kombu_json

NOW = datetime.datetime(2026, 11, 23, 0, 36, 32, 364875, tzinfo=datetime.UTC)
ORIGIN = "gen19211@host1"
REPLY_TO = "168c0d4e-0000-4000-8000-000000000000"

published = []


def record(self, body, priority, content_type, content_encoding, headers, properties, *_, **__):
    """Stands in for kombu's Producer._publish, behind all serialization and compression."""
    published.append(
        {
            "properties": {
                "content_type": content_type,
                "content_encoding": content_encoding,
                "priority": priority,
                **properties,
            },
            "headers": json.loads(kombu_json.dumps(headers)),
            "body": base64.b64encode(body.encode() if isinstance(body, str) else body).decode(),
        }
    )


kombu.messaging.Producer._publish = record
celery.app.amqp.anon_nodename = lambda: ORIGIN


class App(celery.Celery):
    def now(self):
        return NOW

    @property
    def thread_oid(self):
        return REPLY_TO


app = App("golden", broker="memory://", backend="cache+memory://", strict_typing=False)
app.set_current()
app.conf.update(
    task_always_eager=False,
    result_extended=False,
    accept_content=["json", "yaml", "msgpack"],
)


@app.task(name="wapp.add")
def add(x, y=0):
    return x + y


@app.task(name="wapp.fail")
def fail():
    raise ValueError("boom", 1)


@app.task(name="wapp.later", bind=True)
def later(self, x, k=None):
    raise self.retry(countdown=60, exc=KeyError("nope"))


@app.task(name="wapp.now", bind=True)
def now(self, x, k=None):
    raise self.retry(countdown=0, args=(x, 2), kwargs={"k": 3})


@app.task(name="wapp.value")
def value(kind):
    return VALUES[kind]


VALUES = {
    "none": None,
    "text": 'grün \U0001f600 "quoted" \\ \n\t\x07\x7f',
    "numbers": [0, -1, 2**31, 2**63, -(2**63), 2**200, 1.0, 0.1, 1e16, 1e-5, 1.5e300, -0.0],
    "specials": [float("nan"), float("inf"), float("-inf")],
    "nested": {"a": [1, {"b": [True, False, None]}], "": {}, "c": []},
    "typed": [
        datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=datetime.UTC),
        datetime.datetime(2026, 1, 2, 3, 4, 5),
        datetime.date(2026, 1, 2),
        datetime.time(3, 4, 5, 6),
        decimal.Decimal("1.50"),
        uuid.UUID("12345678123456781234567812345678"),
        b"abc",
        b"\xff\xfe",
    ],
}


def send(task, *args, **options):
    """The message of one call."""
    published.clear()
    options.setdefault("task_id", "11111111-1111-4111-8111-111111111111")
    task.apply_async(*args, **options)
    (message,) = published
    return message


def calls():
    link, errback = add.s(5), add.si(6).set(queue="errors", priority=3)
    stamped = add.s(1, 2)
    stamped.stamp(team="blue")
    stamped.stamp(nums=[1, 2])
    published.clear()
    stamped.apply_async(task_id="22222222-2222-4222-8222-222222222222")
    (stamped_message,) = published
    return {
        "plain": send(add, (2, 3)),
        "no arguments": send(add),
        "keywords": send(add, (), {"x": 1, "y": {"deep": [[["x", [1]]]]}}),
        "one argument": send(add, ("it's",)),
        "all options": send(
            add,
            (2, 3),
            priority=5,
            expires=60,
            countdown=10,
            shadow="shadow.add",
            time_limit=30,
            soft_time_limit=20.5,
            headers={"x-custom": "v", "nested": {"a": [1, None, 2.5]}},
            reply_to="rq",
            ignore_result=True,
        ),
        "a member of a group": send(
            add, (1, 1), group_id="G-1", group_index=3, root_id="R-1", parent_id="P-1", retries=2
        ),
        "expired": send(add, (1,), expires=NOW - datetime.timedelta(hours=1)),
        "links": send(add, (1, 1), link=[link, add.s(7)], link_error=errback),
        "a chain": send(
            add, (1, 1), chain=[add.s(3).set(task_id="C-3"), add.s(2).set(task_id="C-2")]
        ),
        "a chord": send(add, (1, 1), chord=add.s().set(task_id="B-1"), group_id="G-2"),
        "stamps": stamped_message,
        "long text": send(add, ("lorem ipsum " * 200, "ü" * 1100)),
        "typed": send(add, (VALUES["typed"],)),
        "numbers": send(add, (VALUES["numbers"],)),
        "texts": send(add, (VALUES["text"],)),
    }


def serializers():
    argument = {"a": [1, "é", None, 2.5, True, -70000], "b": {}}
    return {
        f"{serializer} {compression}": send(
            add, (argument, [1] * 20), serializer=serializer, compression=compression
        )
        for serializer in ("json", "yaml", "msgpack")
        for compression in (None, "gzip", "bzip2", "lzma", "zstd")
    }


def protocol_1():
    app.conf.task_protocol = 1
    app.amqp.__dict__.pop("create_task_message", None)
    try:
        return {
            "plain": send(add, (2, 3)),
            "all options": send(
                add,
                (1,),
                {"y": 2},
                countdown=10,
                expires=60,
                time_limit=9,
                soft_time_limit=8,
                retries=1,
                group_id="G-1",
                group_index=2,
                link=add.s(5),
                chord=add.s(),
                headers={"x-custom": "v"},
            ),
        }
    finally:
        app.conf.task_protocol = 2
        app.amqp.__dict__.pop("create_task_message", None)


def run(task, message):
    """Runs a recorded message as a worker does, and returns what it published meanwhile."""
    body = json.loads(base64.b64decode(message["body"]), object_hook=kombu_json.object_hook)
    args, kwargs, embed = body
    published.clear()
    request = {
        **message["headers"],
        **embed,
        "args": args,
        "kwargs": kwargs,
        "hostname": "w1@host1",
        "delivery_info": {
            "exchange": "",
            "routing_key": "celery",
            "priority": message["properties"]["priority"],
            "redelivered": False,
        },
        "reply_to": message["properties"]["reply_to"],
        "correlation_id": message["properties"]["correlation_id"],
        "is_eager": False,
        "called_directly": False,
    }
    tracer = build_tracer(task.name, task, app=app, hostname="w1@host1")
    tracer(message["headers"]["id"], args, kwargs, request)
    return list(published)


def retries():
    messages = {
        "later": (
            later,
            send(
                later,
                (1,),
                {"k": 2},
                priority=4,
                expires=600,
                time_limit=90,
                soft_time_limit=80,
                shadow="sh",
                headers={"x-custom": "v", "y": [1]},
                link=add.s(5),
                chain=[add.s(2).set(task_id="C-2")],
                chord=add.s(),
                group_id="G-1",
                group_index=1,
            ),
        ),
        "later, of a parent": (later, send(later, (1,), root_id="R", parent_id="P", retries=1)),
        "at once, other arguments": (now, send(now, (1,), {"k": 1})),
    }
    recorded = {}
    for name, (task, message) in messages.items():
        message["headers"].update({"x-death": [{"count": 1}], "x-first-death-queue": "q"})
        (again,) = run(task, message)
        recorded[name] = {"received": message, "published": again}
    return recorded


def results():
    recorded = {}

    def stored(name, task, *args, **options):
        task_id = f"result {name}"
        run(task, send(task, *args, task_id=task_id, **options))
        document = app.backend.get(app.backend.get_key_for_task(task_id))
        # The folders of the machine that recorded them say nothing.
        recorded[name] = re.sub(r'(File \\")[^"]*/', r"\1", document)

    for kind in VALUES:
        stored(kind, value, (kind,))
    stored("failure", fail)
    stored("retry", later, (1,))
    stored("of a group", add, (1, 2), group_id="G-1", parent_id="P-1")
    stored("with a child", add, (1, 2), link=add.s(3).set(task_id="child"))
    app.conf.result_extended = True
    stored("extended", add, (1,), {"y": 2})
    app.conf.result_extended = False
    return recorded


def main():
    record_of_all = {
        "celery": celery.__version__,
        "kombu": kombu.__version__,
        "now": NOW.isoformat(),
        "calls": calls(),
        "serializers": serializers(),
        "protocol 1": protocol_1(),
        "retries": retries(),
        "results": results(),
    }
    json.dump(record_of_all, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
