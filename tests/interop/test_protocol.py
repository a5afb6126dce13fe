"""Celery and kombu read what celeriac's protocol library writes."""

import base64
import json
import os
import pathlib
import subprocess

import celery
import kombu.compression
import pytest
from celery.worker.request import Request
from kombu.message import Message

from support.celeriac import CELERIAC

ENCODER = pathlib.Path(
    os.environ.get("CELERIAC_PROTOCOL_ENCODER", CELERIAC.parent / "tests/protocol_encoder")
)

SERIALIZERS = [
    pytest.param("json", marks=pytest.mark.needs_celery("5.3", "bytes are typed JSON")),
    "yaml",
    "msgpack",
]
COMPRESSIONS = ["", "gzip", "bzip2", "lzma", "zstd"]

ARGUMENTS = [
    None,
    True,
    -70000,
    1.5,
    1e16,
    1e-5,
    "yes",
    "1",
    "null",
    "2026-01-02",
    'grün \U0001f600 "quoted" \\ \n\t\x07\x7f',
    [],
    {},
    {"key: with": [1, "a"], "": "~"},
    b"abc",
    b"\xff\xfe",
    [1, [2, [3]]],
]


@pytest.fixture(scope="module")
def encoded():
    output = subprocess.run([ENCODER], capture_output=True, check=True, text=True).stdout
    return json.loads(output, object_hook=bytes_of_typed_json)


def bytes_of_typed_json(value):
    """Kombu's decoder would do this; that of 5.2 does not know it."""
    if value.get("__type__") == "base64":
        return base64.b64decode(value["__value__"])
    if value.get("__type__") == "bytes":
        return value["__value__"].encode()
    return value


@pytest.fixture
def app():
    app = celery.Celery("golden", broker="memory://", set_as_current=False)

    @app.task(name="wapp.add")
    def add(*args, **kwargs):
        pass

    return app


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_a_worker_reads_the_message(encoded, app, serializer, compression):
    message = encoded["messages"][f"{serializer} {compression}"]
    received = Message(
        body=message["body"],
        delivery_tag=1,
        content_type=message["content_type"],
        content_encoding=message["content_encoding"],
        delivery_info={"exchange": "", "routing_key": "celery"},
        headers=message["headers"],
        properties={
            "correlation_id": message["correlation_id"],
            "reply_to": message["reply_to"],
        },
        accept={message["content_type"]},
    )
    if compression:
        name = message["headers"]["compression"]
        assert name == kombu.compression.get_encoder(compression)[1]

    request = Request(received, app=app, hostname="w1@host1")

    assert request.args == ARGUMENTS
    assert [type(value) for value in request.args] == [type(value) for value in ARGUMENTS]
    assert request.kwargs == {"key": "value"}
    assert request.id == "11111111-1111-4111-8111-111111111111"
    assert request.time_limits == [30, 1.5]
    assert request.eta.isoformat() == "2026-11-23T00:36:42.364875+00:00"
    _, _, embed = received.payload
    assert embed["callbacks"][0]["task"] == "wapp.next"
    assert embed["chain"] is None


def test_a_client_reads_the_failure(encoded, app):
    meta = app.backend.meta_from_decoded(json.loads(encoded["failure"]))
    assert isinstance(meta["result"], ValueError)
    assert meta["result"].args == ("boom", 1)
    assert meta["task_id"] == "T-1"
