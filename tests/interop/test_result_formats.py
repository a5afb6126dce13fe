"""Results in the serializers and compressions that Celery has."""

import celery
import kombu
import pytest
from celery import chord, group

from support.celeriac import CELERIAC

MODULES = (
    *("-A", CELERIAC.parent / "modules/contract_tasks.so"),
    *("-A", CELERIAC.parent / "tests/interop/task_module/interop_tasks.so"),
)
TIMEOUT = 30
CONTENT = ["json", "yaml", "msgpack"]
VALUE = {"text": "grün", "list": [1, -2, 3.5, None, True], "deep": {"a": {"b": []}}}
MAGIC = b"\0celery-compressed\0"
needs_compression = pytest.mark.needs_celery("5.7", "result_compression")

# The same tasks in Python.
PYTHON = """\
import celery
app = celery.Celery('formats')
app.conf.update({settings!r}, accept_content=['json', 'yaml', 'msgpack'])
@app.task(name='python.add')
def add(x, y): return x + y
@app.task(name='python.total')
def total(numbers): return sum(numbers)
"""


@pytest.fixture
def formatted(app):
    """The client with these settings."""

    def formatted(backend=None, **settings):
        app.conf.update(accept_content=CONTENT, **settings)
        if backend is None:
            return app
        client = celery.Celery("formats", broker=app.conf.broker_url, backend=backend)
        client.conf.update(accept_content=CONTENT, **settings)
        return client

    return formatted


@pytest.fixture
def start(celeriac):
    def start(*arguments, **settings):
        settings = {"accept_content": CONTENT, **settings}
        return celeriac(*MODULES, "-l", "INFO", *arguments, config={"worker": settings})

    return start


@pytest.mark.parametrize("backend", ["redis", "rpc"])
@pytest.mark.parametrize("serializer", ["json", "yaml", "msgpack"])
def test_a_client_with_the_same_setting_reads_the_results(start, formatted, serializer, backend):
    rpc = backend == "rpc"
    start(*(("--result-backend", "rpc://") if rpc else ()), result_serializer=serializer)
    app = formatted("rpc://" if rpc else None, result_serializer=serializer)
    assert app.send_task("contract.echo", [VALUE]).get(timeout=TIMEOUT) == VALUE
    with pytest.raises(ValueError, match="grün"):
        app.send_task("contract.fail", ["grün"]).get(timeout=TIMEOUT)
    if rpc:
        return
    header = [app.signature("interop.add", (n, n)) for n in range(5)]
    total = app.signature("interop.total")
    assert chord(header, total, app=app).apply_async().get(timeout=TIMEOUT) == 20
    assert group(header, app=app).apply_async().get(timeout=TIMEOUT) == [0, 2, 4, 6, 8]
    nested = app.signature("interop.send_add", (2, 3))  # reads a result itself
    assert nested.apply_async().get(timeout=TIMEOUT) == 5


@needs_compression
@pytest.mark.parametrize("compression", ["gzip", "bzip2", "lzma", "zstd"])
def test_results_in_redis_are_compressed(start, formatted, compression):
    settings = {"result_compression": compression, "result_serializer": "msgpack"}
    start(**settings)
    app = formatted(**settings)
    result = app.send_task("contract.echo", [["long"] * 1000])
    assert result.get(timeout=TIMEOUT) == ["long"] * 1000
    stored = app.backend.get(app.backend.get_key_for_task(result.id))
    codec = kombu.compression.get_encoder(compression)[1].encode()
    assert stored.startswith(MAGIC + codec + b"\0")
    assert len(stored) < 1000


@needs_compression
@pytest.mark.parametrize(
    "settings",
    [
        {"result_serializer": "msgpack"},
        {"result_serializer": "yaml", "result_compression": "zstd"},
        {"result_compression": "gzip"},
    ],
)
def test_chords_mix_with_python_workers(start, formatted, python_worker, tmp_path, settings):
    (tmp_path / "formats.py").write_text(PYTHON.format(settings=settings))
    python_worker("formats", tmp_path, "-Q", "python", "-c", 1, "-n", "python@test")
    start(**settings)
    app = formatted(**settings)

    def sig(name, *args):
        queue = "python" if name.startswith("python") else "celery"
        return app.signature(name, args, queue=queue)

    for body in ("python.total", "interop.total"):
        header = [sig(name, n, 1) for n in range(4) for name in ("python.add", "interop.add")]
        assert chord(header, sig(body), app=app).apply_async().get(timeout=TIMEOUT) == 20


def test_a_success_is_never_overwritten(start, formatted):
    start(result_serializer="msgpack")
    app = formatted(result_serializer="msgpack")
    first = app.send_task("contract.echo", ["first"])
    assert first.get(timeout=TIMEOUT) == "first"
    app.send_task("contract.fail", ["late"], task_id=first.id)
    assert app.send_task("contract.echo", ["behind"]).get(timeout=TIMEOUT) == "behind"
    assert app.AsyncResult(first.id).state == "SUCCESS"


def test_failures_may_be_kept_for_longer(start, formatted):
    start(result_expires=1000, result_failure_expires=100_000)
    app = formatted()

    def time_to_live(name):
        result = app.send_task(name, ["x"])
        result.get(timeout=TIMEOUT, propagate=False)
        return app.backend.client.ttl(app.backend.get_key_for_task(result.id))

    assert time_to_live("contract.echo") <= 1000
    assert 1000 < time_to_live("contract.fail") <= 100_000


@pytest.mark.parametrize("accepted", [["json", "msgpack"], ["json"]])
def test_rpc_reads_what_is_accepted_alone(start, app, accepted):
    """The reply to a task that a task sent, as a Python worker with msgpack would write it."""
    worker = start("--result-backend", "rpc://", result_accept_content=accepted)
    child = app.signature("python.add", (2, 3), queue="elsewhere")
    with app.connection_for_write() as connection:
        channel = connection.default_channel
        elsewhere = kombu.Queue("elsewhere", channel=channel)
        elsewhere.declare()
        waits = app.send_task("contract.wait", [child], {"seconds": TIMEOUT}, reply_to="answers")
        sent = worker.wait_until(lambda: elsewhere.get(no_ack=True), "sub-task", TIMEOUT)
        document = {"status": "SUCCESS", "result": 5, "task_id": sent.headers["id"]}
        kombu.Producer(channel).publish(
            {**document, "traceback": None, "children": []},
            serializer="msgpack",
            routing_key=sent.properties["reply_to"],
            correlation_id=sent.headers["id"],
        )
    if "msgpack" in accepted:
        worker.wait_for_log(rf"contract.wait\[{waits.id}\] succeeded in .*: 5")
    else:
        worker.wait_for_log("a reply that is no result was dropped: Refusing to deserialize")


@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_a_result_that_cannot_be_written_is_a_failure(start, formatted, pool):
    start("-P", pool, result_serializer="msgpack")
    app = formatted(result_serializer="msgpack")
    with pytest.raises(Exception, match="exceeds 64 bits") as failure:
        app.send_task("contract.echo", [2**70]).get(timeout=TIMEOUT)
    assert type(failure.value).__name__ == "EncodeError"
    with pytest.raises(Exception, match="invalid UTF-8") as failure:
        app.send_task("interop.bytes").get(timeout=TIMEOUT)
    assert type(failure.value).__name__ == "EncodeError"
    with pytest.raises(RuntimeError, match=r"\\xff\\xfe"):
        app.send_task("interop.fail_with_bytes").get(timeout=TIMEOUT)
    assert app.send_task("contract.echo", ["behind"]).get(timeout=TIMEOUT) == "behind"


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"result_serializer": "pickle"}, "json, yaml or msgpack"),
        ({"result_compression": "rar"}, "use gzip, bzip2, lzma or zstd"),
        ({"result_accept_content": ["pickle"]}, "it would run whatever code"),
    ],
)
def test_what_is_not_supported_is_refused_at_the_start(celeriac, settings, remedy):
    worker = celeriac(config={"worker": settings}, ready=None)
    worker.expected_exit = 1
    assert worker.wait(TIMEOUT) == 1
    worker.wait_for_log(remedy)
