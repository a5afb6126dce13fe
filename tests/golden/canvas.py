"""Writes canvas.json: what Celery publishes for many a workflow when a task applies it.

Run it with the Celery that the goldens are to follow (tests/requirements.txt) and look at the
difference. Ids are replaced by their number of appearance, so that only their identity counts.
"""

import contextlib
import functools
import importlib.metadata
import json
import pathlib
import re

from celery import Celery, chain, chord, group
from celery._state import _task_stack
from celery.canvas import Signature
from celery.exceptions import Ignore

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

app = Celery("golden", broker="memory://", backend="redis://127.0.0.1:1/0", set_as_current=True)
app.conf.update(accept_content=["json"])


@app.task(name="parent")
def parent():
    """The task that is running while the workflow is applied."""


def add(*args, **options):
    return Signature("add", args=args, app=app).set(**options)


def total(**options):
    return Signature("total", app=app).set(**options)


def errback():
    return Signature("errback", app=app)


WORKFLOWS = {
    "task": lambda: add(1, countdown=None, queue="other", priority=3),
    "immutable task": lambda: add(1).set(immutable=True),
    "linked task": lambda: add(1).set(link=[add(2)], link_error=errback()),
    "stamped task": lambda: add(1, stamped_headers=["team"], team="blue"),
    "chain": lambda: chain(add(1), add(2), add(3)),
    "chain of chains": lambda: Signature.from_dict(
        raw_chain(raw_chain(add(1), add(2)), raw_chain(add(3)))
    ),
    "chain with callbacks": lambda: linked(chain(add(1), add(2))),
    "group": lambda: group(add(1), add(2)),
    "group of one": lambda: group(add(1)),
    "nested groups": lambda: group(add(1), group(add(2), group(add(3), add(4))), add(5)),
    "group of chains": lambda: group(chain(add(1), add(2)), add(3)),
    "group of a chain with a group": lambda: group(chain(add(1), group(add(2), add(3)))),
    "group in a chain": lambda: chain(add(1), group(add(2), add(3)), total()),
    "group at the end": lambda: chain(add(1), group(add(2), add(3))),
    "two groups": lambda: chain(group(add(1), add(2)), group(total(), total()), total()),
    "raw groups": lambda: Signature.from_dict(
        raw_chain(add(1), group(add(2), add(3)), group(total(), total()), total(), add(4))
    ),
    "empty groups": lambda: Signature.from_dict(
        raw_chain(group(), add(1), group(), group(add(2), add(3)), group(), total())
    ),
    "chord": lambda: chord([add(1), add(2)], total()),
    "chord with options": lambda: chord([add(1), add(2)], total()).set(countdown=5, priority=4),
    "chord of nested groups": lambda: chord([add(1), group(add(2), add(3)), add(4)], total()),
    "chord of chains": lambda: chord([chain(add(1), add(2)), add(3)], total()),
    "chord of a chain with a group": lambda: chord(
        [chain(add(1), group(add(2), add(3))), add(4)], total()
    ),
    "chord of chords": lambda: chord([chord([add(1), add(2)], total()), add(3)], total()),
    "chord with a chain body": lambda: chord([add(1), add(2)], chain(total(), add(3), add(4))),
    "chord with a group body": lambda: chord([add(1), add(2)], group(total(), total())),
    "chord with a chord body": lambda: chord([add(1)], chord([add(2), add(3)], total())),
    "chord without a header": lambda: chord([], total()),
    "chord with callbacks": lambda: linked(chord([add(1), add(2)], total())),
    "chord with callbacks in options": lambda: chord([add(1), add(2)], group(add(3), add(4))).set(
        link=[add(9)], link_error=[errback()]
    ),
    "chain of chords": lambda: chain(
        chord([add(1), add(2)], total()), chord([add(3), add(4)], total()), add(5)
    ),
    "raw chain of chords": lambda: Signature.from_dict(
        raw_chain(chord([add(1), add(2)], total()), chord([add(3)], total()), add(5), group(add(6)))
    ),
    "chunks": lambda: Signature(
        "celery.chunks",
        kwargs={"task": dict(add()), "it": [[1, 1], [2, 2], [3, 3]], "n": 2},
        subtask_type="chunks",
        immutable=True,
    ),
    "starmap": lambda: Signature(
        "celery.starmap",
        kwargs={"task": dict(add()), "it": [[1, 1], [2, 2]]},
        subtask_type="xstarmap",
        immutable=True,
    ),
}


def raw_chain(*tasks):
    """A chain as it arrives from outside, not put together by Celery's operators."""
    return {
        "task": "celery.chain",
        "args": [],
        "kwargs": {"tasks": [json.loads(json.dumps(task)) for task in tasks]},
        "options": {},
        "subtask_type": "chain",
        "immutable": False,
    }


def linked(signature):
    signature.link(add(8))
    signature.link_error(errback())
    return signature


REPLACEMENTS = {
    "a task": lambda: add(1),
    "a chain": lambda: chain(add(1), add(2)),
    "a group": lambda: group(add(1), add(2)),
    "a chord": lambda: chord([add(1), add(2)], total()),
    "a chain with a group": lambda: chain(add(1), group(add(2), add(3))),
    "a linked chain": lambda: linked(chain(add(1), add(2))),
}

# What the replaced task knows of its surroundings.
SURROUNDINGS = {
    "alone": lambda: {},
    "with callbacks": lambda: {"callbacks": [add(8)], "errbacks": [errback()]},
    "in a chain": lambda: {"chain": [add(6, task_id="T-6"), add(5, task_id="T-5")]},
    "before a group": lambda: {"chain": [total(task_id="T-6"), group(add(5, task_id="T-5"))]},
    "in a chord": lambda: {"chord": total(task_id="T-B"), "group": "G", "group_index": 1},
}


def publications(act, **request):
    """Everything that leaves Celery while `act` runs in a task, in its order."""
    sent = []

    def send(producer, name, message, **properties):
        sent.append(
            {
                "publish": {
                    **{
                        key: message.headers[key]
                        for key in ("task", "id", "root_id", "parent_id", "group", "group_index")
                    },
                    **{key: message.headers[key] for key in ("stamped_headers", "stamps")},
                    "delayed": message.headers["eta"] is not None,
                    "priority": properties.get("priority"),
                    "body": message.body,
                }
            }
        )

    app.amqp.send_task_message = send
    app.backend.set_chord_size = lambda group_id, size: sent.append({"size": [group_id, size]})
    app.backend._set_chord_key = lambda key, value: sent.append(
        {"save": json.loads(value)["result"]}
    )
    app.backend.on_task_call = lambda producer, task_id: None
    app.backend.result_consumer.consume_from = lambda task_id: None
    app.backend.add_pending_result = lambda result, **kwargs: result
    _task_stack.push(parent)
    parent.push_request(id="P", root_id="R", delivery_info={}, called_directly=False, **request)
    try:
        result = act()
        if result is not None:
            sent.append({"result": result.as_tuple()})
    finally:
        parent.pop_request()
        _task_stack.pop()
    return sent


def replace(signature):
    with contextlib.suppress(Ignore):
        parent.replace(signature)


def as_json(value):
    return json.loads(json.dumps(value))


def plain(value):
    """Without what says nothing: null options, and a header's form as a group signature."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    value = {key: plain(item) for key, item in value.items()}
    if isinstance(value.get("options"), dict):
        value["options"] = {k: v for k, v in value["options"].items() if v is not None}
        value["options"].pop("add_to_parent", None)  # Celery's own note to itself
    if isinstance(value.get("header"), dict):
        value["header"] = value["header"]["kwargs"]["tasks"]
    return value


def numbered(value):
    """The same with `#1`, `#2` … in the place of ids, in the order of sorted keys."""
    numbers = {}
    text = json.dumps(plain(json.loads(json.dumps(value))), sort_keys=True)
    text = text.replace(app.thread_oid, "oid")
    return json.loads(
        UUID.sub(lambda id_: f"#{numbers.setdefault(id_[0], len(numbers) + 1)}", text)
    )


def main():
    cases = []
    for name, build in WORKFLOWS.items():
        for args, options in (((7,), {}), ((7,), {"chain": [as_json(add(6))]})):
            signature = as_json(build())
            if options and signature["subtask_type"] in ("group", "chunks"):
                continue  # nothing ever follows these
            node = Signature.from_dict(signature, app=app)
            sent = publications(functools.partial(node.apply_async, args, **options))
            cases.append(
                {
                    "name": name + (" before a task" if options else ""),
                    "signature": as_json(build()),
                    "args": args,
                    "options": options,
                    "sent": numbered(sent),
                }
            )
    replacements = []
    for name, build in REPLACEMENTS.items():
        for where, request in SURROUNDINGS.items():
            act = functools.partial(replace, Signature.from_dict(as_json(build()), app=app))
            replacements.append(
                {
                    "name": f"{name} {where}",
                    "signature": as_json(build()),
                    "request": as_json(request()),
                    "sent": numbered(publications(act, **as_json(request()))),
                }
            )
    path = pathlib.Path(__file__).with_name("canvas.json")
    version = importlib.metadata.version("celery")
    path.write_text(
        f'{{"celery": "{version}",\n"cases": {one_a_line(cases)},\n'
        f'"replacements": {one_a_line(replacements)}}}\n'
    )


def one_a_line(cases):
    return "[\n" + ",\n".join(map(json.dumps, cases)) + "]"


if __name__ == "__main__":
    main()
