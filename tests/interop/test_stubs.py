"""`celeriac stubs`: a typed module that mypy understands and that runs the tasks."""

import datetime
import decimal
import importlib.util
import inspect
import json
import pathlib
import subprocess
import sys
import threading
import uuid

import celery
import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from support.celeriac import CELERIAC, environment

MODULE = CELERIAC.parent / "modules/stubs_tasks.so"
# Where celery-types is installed it must fit; where it is not, the stub's own types must do.
WITHOUT_CELERY_TYPES = ("--no-site-packages",)


def run_stubs(*arguments):
    command = [CELERIAC, "stubs", *map(str, arguments)]
    return subprocess.run(
        command, env=environment({}), capture_output=True, text=True, timeout=60, check=False
    )


def written(*arguments):
    done = run_stubs("-A", MODULE, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture
def stub_file(tmp_path):
    path = tmp_path / "tasks_stub.py"
    assert written("-o", path) == ""
    return path


@pytest.fixture
def stub(stub_file):
    spec = importlib.util.spec_from_file_location("tasks_stub", stub_file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def bound(stub, app, celeriac):
    """The module with a worker behind it."""
    celeriac("-A", MODULE, "-c", 2, "-l", "INFO")
    stub.bind(app)
    return stub


def mypy(folder, code, *options):
    """The lines that mypy complains of, as {line number: messages}."""
    user = folder / "user.py"
    user.write_text(code)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", folder / "cache", *options]
    done = subprocess.run(
        [*command, "user.py"], cwd=folder, capture_output=True, text=True, timeout=170, check=False
    )
    found = {}
    for line in done.stdout.splitlines():
        if ": error: " in line:
            place, message = line.split(": error: ", 1)
            name, number = place.split(":")[:2]
            assert name == "user.py", line
            found.setdefault(int(number), []).append(message)
    assert done.returncode == (1 if found else 0), done.stdout + done.stderr
    return found


RIGHT = """\
import datetime
import decimal
import uuid

import tasks_stub
from tasks_stub import add, anything, later, lengths, mean, mirror, nothing, tasks, title

total: int = add.delay(2, 3).get(timeout=1)
total = tasks_stub.tasks.add.delay(2, y=3).get()
total = tasks.add.s(2).delay().get()
total = add.apply_async((2, 3), queue="sums", countdown=1.5, ignore_result=False).get()
total = add.apply_async([2]).get()
total = add.apply_async((2,), {"y": 3}).get()
total = add.apply_async(kwargs={"x": 2, "y": 3}).get()
total = add.apply_async(None, {"x": 2}).get()
total = add.AsyncResult("id").get()
add.apply_async((2, 3), link=add.s(4), link_error=tasks.anything.si())
text: str = title.delay("https://x", 5, upper=True, prefix=None).get()
average: float = mean.delay([1, 2.5]).get()
found: dict[str, int] = lengths.delay().get()
when: datetime.datetime = later.delay(datetime.datetime.now(), by=3).get()
byte: int | None = tasks_stub.small.delay(3).get()
point = mirror.delay({"x": 1, "y": 2}, extra={}).get()
nothing.delay()
nothing.apply_async()
anything.delay(1, 2, three=3)
steps = add.s(2, 3) | add.s(4) | add.s(y=5) | add.s()
total = tasks.import_.delay(1, 2).get()
total = tasks.add_.fast.delay(1, 2).get()
total = tasks_stub.my_app._1st.delay(1, y=2).get()
total = tasks_stub.int_.delay(1, 2).get()
total = tasks_stub.shapes.area.delay(1, 2).get() + tasks_stub.rooms.area.delay(1, 2).get()
total = tasks_stub.celery_.Task.delay(int=1, str=2).get()
values = tasks_stub.values
data: bytes = values.same_bytes.delay(b"\\xff").get()
day: datetime.date = values.same_date.delay(datetime.date(2026, 1, 2)).get()
time: datetime.time = values.same_time.delay(datetime.time(12, 30)).get()
price: decimal.Decimal = values.same_decimal.delay(decimal.Decimal("1.50")).get()
number: uuid.UUID = values.same_uuid.delay(uuid.uuid4()).get()
names: list[str] = values.same_set.delay(["a"]).get()
reals: list[float] = values.same_array.delay([1, 2.5]).get()
text_or_int: str | int = values.swap.delay((1, "a")).get()[0]
values.swap.delay([1, "a"])
values.mixed.delay((b"", None))
text = values.kind.delay(1).get() + values.kind.delay("a").get() + values.kind.delay([1.5]).get()
some = values.either.delay("date").get()
"""


@pytest.mark.parametrize("options", [(), WITHOUT_CELERY_TYPES], ids=["celery-types", "alone"])
def test_mypy_agrees_with_right_calls(stub_file, tmp_path, options):
    assert mypy(tmp_path, RIGHT, *options) == {}


def test_a_signature_is_one_for_celery_types(stub_file, tmp_path):
    code = """\
from celery import Celery, chain, chord, group
from tasks_stub import add, bind, mean
bind(Celery())
chain(add.s(2, 3), add.s(4)).delay()
group(add.s(i, i) for i in range(3)).delay()
chord([add.s(1, 2), add.s(3, 4)], mean.s()).delay()
add.s(2).set(countdown=3)
"""
    assert mypy(tmp_path, code) == {}


WRONG = """\
from tasks_stub import add, later, mean, nothing, title, tasks
import tasks_stub
add.delay("2", 3)
add.delay()
add.delay(2, 3, 4)
add.delay(2, z=3)
add.delay(2, None)
add.s("2")
add.s(2, 3, 4)
add.si(y=3)
add.si()
add.apply_async((2, "3"))
add.apply_async((2, 3, 4))
add.apply_async()
add.apply_async(())
add.apply_async(kwargs={"y": 3})
add.apply_async(kwargs={"x": 2, "z": 3})
add.apply_async((2,), {"y": "3"})
add.apply_async((2, 3), contdown=3)
add.apply_async((2, 3), queue=3)
add(2, 3)
add.dellay(2, 3)
text: str = add.delay(2, 3).get()
text = add.s(2, 3).delay().get()
add.delay(2, 3).get(timout=3)
mean.delay(3)
mean.delay(["a"])
later.delay("tomorrow")
nothing.delay(1)
nothing.apply_async((1,))
title.delay("x", prefix=3)
tasks.nowhere.delay()
tasks_stub.area.delay(1, 2)
"""


@pytest.mark.parametrize("options", [(), WITHOUT_CELERY_TYPES], ids=["celery-types", "alone"])
def test_mypy_finds_each_misuse(stub_file, tmp_path, options):
    lines = WRONG.splitlines()
    assert sorted(mypy(tmp_path, WRONG, *options)) == list(range(3, len(lines) + 1))


def test_the_tasks_run(bound):
    assert bound.add.delay(2, 3).get(timeout=60) == 5
    assert bound.tasks.add.delay(2).get(timeout=60) == 4
    assert bound.add.apply_async((2,), {"y": 5}).get(timeout=60) == 7
    assert bound.title.delay("hello", 4, upper=True).get(timeout=60) == "Hell"
    assert bound.mean.delay([1, 2.5]).get(timeout=60) == 1.75
    assert bound.lengths.delay(["a", "bc"]).get(timeout=60) == {"a": 1, "bc": 2}
    assert bound.small.delay(300).get(timeout=60) is None
    assert bound.mirror.delay({"x": 1, "y": 2}).get(timeout=60) == {"x": 2, "y": 1}
    assert bound.nothing.delay().get(timeout=60) is None
    assert bound.anything.delay(1, two=2).get(timeout=60) == {"args": [1], "kwargs": {"two": 2}}


@pytest.mark.needs_celery("5.3", "typed JSON")
def test_a_datetime_comes_back_as_one(bound):
    noon = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
    assert bound.later.delay(noon, 3600).get(timeout=60) == noon + datetime.timedelta(hours=1)


@pytest.mark.needs_celery("5.3", "typed JSON")
def test_values_that_json_does_not_have_come_back(bound):
    def same(kind, value):
        return getattr(bound.values, f"same_{kind}").delay(value).get(timeout=60)

    for value in (b"", b"text", b"\xff\x00\xfe"):
        assert same("bytes", value) == value
    assert same("date", datetime.date(2026, 2, 28)) == datetime.date(2026, 2, 28)
    for time in (datetime.time(0), datetime.time(23, 59, 59, 999999)):
        assert same("time", time) == time
    for digits in ("1.50", "-1E+3", "0.1", "123456789012345678901234567890.5"):
        assert str(same("decimal", decimal.Decimal(digits))) == digits
    number = uuid.uuid4()
    assert same("uuid", number) == number
    assert bound.values.mixed.delay((b"\xff", decimal.Decimal(2))).get(timeout=60) == [b"\xff", 2]
    assert bound.values.either.delay("date").get(timeout=60) == datetime.date(2026, 1, 2)


def test_containers_and_alternatives_come_back(bound):
    values = bound.values
    assert values.same_set.delay(["b", "a", "b"]).get(timeout=60) == ["a", "b"]
    assert values.same_array.delay([1, 2.5]).get(timeout=60) == [1, 2.5]
    points = {"a": [{"x": 1, "y": 2}], "b": []}
    assert values.same_points.delay(points).get(timeout=60) == points
    assert values.swap.delay((1, "a")).get(timeout=60) == ["a", 1]
    for value, kind in ((1, "int"), ("a", "str"), ([1, 2.5], "list")):
        assert values.kind.delay(value).get(timeout=60) == kind
    assert values.either.delay("point").get(timeout=60) == {"x": 1, "y": 2}
    assert values.either.delay("none").get(timeout=60) is None


@pytest.mark.parametrize(
    ("task", "value", "text"),
    [
        ("same_bytes", "text", r"same_bytes\(\) argument 'value' must be bytes, not str"),
        ("same_date", "soon", r"argument 'value': no date: 'soon'"),
        ("same_date", 1, r"argument 'value' must be date, not int"),
        ("same_uuid", "1", r"argument 'value': no uuid: '1'"),
        ("same_array", [1], r"argument 'value' has 1 items; it must have 2"),
        ("swap", [1, 2], r"argument 'pair\[1\]' must be str, not int"),
        ("kind", None, r"argument 'value' must be int \| str \| list\[float\], not None"),
    ],
)
def test_a_wrong_value_is_named(bound, task, value, text):
    with pytest.raises(TypeError, match=text):
        getattr(bound.values, task).delay(value).get(timeout=60)


def test_signatures_run_in_a_chain_and_a_chord(bound, app):
    assert (bound.add.s(2, 3) | bound.add.s(4) | bound.add.s()).delay().get(timeout=60) == 11
    header = [bound.add.s(1, 2), bound.add.s(3, 4)]
    assert celery.chord(header, bound.mean.s()).delay().get(timeout=60) == 5.0
    assert (bound.add.s(2, 3) | bound.add.si(10, 1)).delay().get(timeout=60) == 11


def test_names_that_python_does_not_have_run(bound):
    assert bound.tasks.import_.delay(1, 2).get(timeout=60) == 3
    assert bound.tasks.add_.fast.delay(1, 2).get(timeout=60) == 3
    assert bound.my_app._1st.delay(1, 2).get(timeout=60) == 3
    assert bound.int_.delay(1, 2).get(timeout=60) == 3
    assert bound.shapes.area.delay(1, 2).get(timeout=60) == 3
    assert bound.celery_.Task.delay(int=1, str=2).get(timeout=60) == 3
    assert not hasattr(bound, "area")


def test_a_wrong_call_ends_where_it_is_made(bound):
    with pytest.raises(TypeError, match=r"^add\(\) missing 1 required positional argument: 'x'$"):
        bound.add.delay()
    with pytest.raises(TypeError, match=r"^add\(\) got an unexpected keyword argument 'z'"):
        bound.add.apply_async((1,), {"z": 1})
    with pytest.raises(TypeError, match=r"^tasks\.add runs in a worker: call it with delay\(\)$"):
        bound.add(2, 3)


def test_the_current_app_is_used_unless_one_is_bound(stub, app, celeriac):
    celeriac("-A", MODULE, "-c", 1, "-l", "INFO")
    app.set_current()
    assert stub.add.delay(2, 3).get(timeout=60) == 5

    # Another thread has no current app, and Celery's own would send to localhost.
    errors = []

    def call():
        try:
            stub.add.delay(2, 3)
        except RuntimeError as error:
            errors.append(str(error))

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    assert len(errors) == 1
    assert "give it to bind()" in errors[0]


def test_docstrings_are_the_tasks_descriptions(stub):
    text = 'Adds two numbers.\n\nA "sum" of C:\\x and """y"""'
    assert inspect.getdoc(type(stub.add)) == text
    assert type(stub.title).__doc__ == "The task news.title."


def test_the_output_is_the_same_each_time(stub_file):
    assert written() == stub_file.read_text()
    assert written("--json-schema") == written("--json-schema")


@pytest.fixture
def schema():
    document = json.loads(written("--json-schema"))
    Draft202012Validator.check_schema(document)

    def validate(task, part, value):
        reference = {"$ref": f"#/$defs/{task}/properties/{part}"}
        Draft202012Validator({**document, **reference}).validate(value)

    return validate


def test_the_schema_takes_right_arguments_and_real_results(schema, bound):
    schema("tasks.add", "arguments", {"x": 1})
    schema("tasks.add", "positional", [1, 2])
    schema("tasks.add", "result", bound.add.delay(2, 3).get(timeout=60))
    schema("news.title", "arguments", {"url": "x", "prefix": None})
    schema("stats.mean", "positional", [[1, 2.5]])
    schema("stats.lengths", "result", bound.lengths.delay(["a"]).get(timeout=60))
    schema("small", "result", bound.small.delay(3).get(timeout=60))
    schema("times.later", "arguments", {"when": "2026-01-01T00:00:00Z"})
    moment = {"__type__": "datetime", "__value__": "2026-01-01T00:00:00+00:00"}
    schema("times.later", "positional", [moment, 1.5])
    schema("times.later", "result", moment)
    for kind, value in (
        ("bytes", {"__type__": "base64", "__value__": "/w=="}),
        ("date", {"__type__": "date", "__value__": "2026-01-02"}),
        ("date", "2026-01-02"),
        ("time", {"__type__": "time", "__value__": "12:30:00"}),
        ("decimal", {"__type__": "decimal", "__value__": "1.50"}),
        ("uuid", {"__type__": "uuid", "__value__": {"hex": uuid.uuid4().hex}}),
        ("set", ["a"]),
        ("array", [1, 2.5]),
    ):
        schema(f"values.same_{kind}", "positional", [value])
        schema(f"values.same_{kind}", "result", value)
    schema("values.swap", "positional", [[1, "a"]])
    schema("values.kind", "positional", [[1.5]])
    schema("values.either", "result", None)
    schema("shapes.mirror", "arguments", {"point": {"x": 1}, "extra": {"any": "thing"}})
    schema("tasks.nothing", "arguments", {})
    schema("tasks.nothing", "result", None)
    schema("tasks.anything", "arguments", {"what": "ever"})
    schema("tasks.anything", "positional", [1, "two"])


@pytest.mark.parametrize(
    ("task", "part", "value"),
    [
        ("tasks.add", "arguments", {}),
        ("tasks.add", "arguments", {"x": "1"}),
        ("tasks.add", "arguments", {"x": 1, "z": 1}),
        ("tasks.add", "positional", []),
        ("tasks.add", "positional", [1, 2, 3]),
        ("tasks.add", "positional", [2**63]),
        ("tasks.add", "result", 2.5),
        ("news.title", "arguments", {"url": None}),
        ("stats.mean", "positional", [["a"]]),
        ("stats.lengths", "result", {"a": "b"}),
        ("small", "result", 256),
        ("times.later", "arguments", {"when": 3}),
        ("shapes.mirror", "arguments", {"point": 1, "extra": []}),
        ("tasks.nothing", "positional", [1]),
        ("tasks.nothing", "result", 0),
        ("values.same_bytes", "result", "text"),
        ("values.same_date", "result", {"__type__": "datetime", "__value__": "2026-01-02"}),
        ("values.same_array", "result", [1]),
        ("values.swap", "positional", [["a", 1]]),
        ("values.swap", "positional", [[1, "a", 2]]),
        ("values.kind", "positional", [{}]),
    ],
)
def test_the_schema_refuses_wrong_ones(schema, task, part, value):
    with pytest.raises(ValidationError):
        schema(task, part, value)


def test_what_cannot_be_written_is_an_error(tmp_path):
    none = run_stubs()
    assert (none.returncode, none.stdout) == (1, "")
    assert none.stderr == "Error: no task is registered; give a module with -A\n"
    nowhere = pathlib.Path(tmp_path / "missing/stub.py")
    lost = run_stubs("-A", MODULE, "-o", nowhere)
    assert lost.returncode == 1
    assert lost.stderr == f"Error: -o {nowhere}: cannot be written: No such file or directory\n"


def test_help_says_how_to_use_it():
    text = run_stubs("--help").stdout
    assert "--output" in text
    assert "--json-schema" in text
    assert "celeriac stubs -A ./libproj.so -o proj_tasks.py" in text
