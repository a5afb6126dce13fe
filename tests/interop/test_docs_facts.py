"""What the pages list is what there is: metrics, log lines, tests, options."""

import re
import subprocess
import urllib.request

import pytest

from support.celeriac import CELERIAC, ROOT
from support.ports import free_port

OPERATIONS = (ROOT / "docs/operations.md").read_text()


def rows(page, heading):
    """The cells of the table under a heading, without its head."""
    section = page.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    cells = [re.split(r"(?<!\\) \| ", line.strip("| ")) for line in lines[2:]]
    assert cells, heading
    return cells


# --- metrics -----------------------------------------------------------------------------------


def test_the_metrics_of_a_live_worker_are_those_of_the_page(
    celeriac, app, influxdb, influx_database, redis_url, channels
):
    influxdb.write(influx_database, "cpu,host=web-1 usage=97")
    bot = channels.lark()
    rule = {
        "source": "mon",
        "query": "SELECT last(usage) AS usage FROM cpu GROUP BY host",
        "expect": {"compare": {"value": "usage", "op": "<", "than": 90}},
        "channels": ["ops"],
    }
    config = {
        "sources": {"mon": {"kind": "influxdb1", "url": influxdb.url, "database": influx_database}},
        "channels": {"ops": {"kind": "lark", "url": bot.url}},
        "redis": redis_url,
        "rules": {"cpu": rule},
    }
    port = free_port()
    worker = celeriac("-l", "INFO", "--http", f"127.0.0.1:{port}", config=config)

    def metrics():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as reply:
            return reply.read().decode()

    app.send_task("tasks.fetch", ["cpu"])
    bot.messages.wait_for(1)
    app.send_task("tasks.fetch", ["cpu"])  # told before, so it is suppressed
    with pytest.raises(Exception, match="nowhere"):
        app.send_task("tasks.fetch", ["nowhere"]).get(timeout=30)
    worker.wait_until(lambda: "celeriac_alert_suppressed_total{" in metrics(), "a suppressed alarm")
    live = set(re.findall(r"^# TYPE (\S+)", metrics(), re.MULTILINE))
    listed = {cells[0].strip("`") for cells in rows(OPERATIONS, "Metrics")}
    assert listed == live


# --- log lines ---------------------------------------------------------------------------------

SOURCES = [*ROOT.glob("worker/**/*.cpp"), *ROOT.glob("tasks/**/*.cpp")]
CALL = re.compile(r"\b(?:log::)?write\(\s*(?:log::)?Level::(\w+),|\blog\(\)\.(\w+)\(")
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
# A logger's name, punctuation.
NO_TEXT = re.compile(r"[a-z_]+(\.[a-z_]+)*|[^A-Za-z]*|True|False|\\n")


def literals(code):
    joined = re.sub(r'"\s*\n\s*"', "", code)
    return [text.replace('\\"', '"') for text in LITERAL.findall(joined)]


def arguments(code, start):
    """What stands between the bracket at `start` and its partner."""
    depth, position, in_text = 0, start, False
    while True:
        character = code[position]
        if in_text:
            position += character == "\\"
            in_text = character != '"'
        elif character == '"':
            in_text = True
        else:
            depth += (character == "(") - (character == ")")
            if depth == 0:
                return code[start:position]
        position += 1


def logged_lines():
    """(place, level, literal parts) of each line that the code writes at INFO or above."""
    for path in SOURCES:
        code = path.read_text()
        for call in CALL.finditer(code):
            level = call[1] or call[2]
            text = arguments(code, code.index("(", call.start() + len("log") * bool(call[1])))
            if call[2]:
                text = arguments(code, call.end() - 1)
            parts = [part for part in literals(text) if not NO_TEXT.fullmatch(part)]
            if level != "debug" and parts:
                place = f"{path.relative_to(ROOT)}:{code.count(chr(10), 0, call.start()) + 1}"
                yield place, level, parts


def documented_lines():
    return [
        re.findall(r"`([^`]+)`", " | ".join(cells[1:])) for cells in rows(OPERATIONS, "Log lines")
    ]


def in_order(parts, text):
    position = 0
    for part in parts:
        position = text.find(part.strip(), position)
        if position < 0:
            return False
        position += len(part.strip())
    return True


def test_every_line_of_the_code_is_in_the_page():
    shown = [" | ".join(lines) for lines in documented_lines()]
    missing = [
        (place, parts)
        for place, _, parts in logged_lines()
        if not any(in_order(parts, line) for line in shown)
    ]
    assert missing == []


def test_every_line_of_the_page_is_in_the_code():
    texts = ["\0".join(literals(path.read_text())) for path in SOURCES]
    for lines in documented_lines():
        parts = [part.strip(" .") for part in lines[0].split("…")]
        parts = [part for part in parts if re.search("[a-z]", part)]
        assert any(all(part in text for part in parts) for text in texts), lines[0]


# --- folders, tests and settings ---------------------------------------------------------------


def test_every_folder_of_the_worker_is_explained():
    page = (ROOT / "docs/architecture.md").read_text()
    folders = [path.name for path in (ROOT / "worker").iterdir() if path.is_dir()]
    assert [folder for folder in folders if f"`{folder}/`" not in page] == []


def test_every_test_that_compatibility_names_is_there():
    """A link names a file and what in it shows the row: a function, a suite, or the file itself."""
    page = (ROOT / "docs/compatibility.md").read_text()
    links = re.findall(r"\[`([^`]+)`\]\(\.\./(tests/[^)]+)\)", page)
    links += [(path.rpartition("/")[2], path) for path in re.findall(r"`(tests/[^`]+)`", page)]
    assert len(links) > 100
    missing = [
        (name, path)
        for name, path in links
        if not (ROOT / path).exists()
        or (name != (ROOT / path).name and name not in (ROOT / path).read_text())
    ]
    assert missing == []


def test_every_key_of_alert_rules_is_explained():
    code = (ROOT / "tasks/alerts/config.cpp").read_text()
    page = (ROOT / "docs/alert-rules.md").read_text()
    keys = set(re.findall(r'(?:get|require)\("(\w+)"\)', code))
    assert len(keys) > 40
    headings = re.findall(r"^## (\w+)", page, re.MULTILINE)
    explained = [*headings, *re.findall(r"`(\w+)`", page), *re.findall(r"(\w+): ", page)]
    assert sorted(keys - set(explained)) == []


def test_the_configuration_page_is_what_the_program_writes():
    """Write it again with `celeriac docs settings > docs/configuration.md`."""
    done = subprocess.run(
        [CELERIAC, "docs", "settings"], capture_output=True, text=True, check=True
    )
    assert (ROOT / "docs/configuration.md").read_text() == done.stdout


def test_every_option_is_explained():
    for command in ("worker", "check", "tasks", "docs"):
        shown = subprocess.run(
            [CELERIAC, command, "--help"], capture_output=True, text=True, check=True
        ).stdout
        assert "Example" in shown, command
        # A line that begins with an option has its meaning on it, or on the next one.
        bare = re.findall(r"^  -\S+(?: \S+)?\n(?! {20,}\S)", shown, re.MULTILINE)
        assert bare == [], command
