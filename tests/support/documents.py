"""Runs what a page of documentation tells its reader to do.

A page is read from top to bottom, in one folder and one shell:

* ```console: `$ command` is run by bash; the lines below it must stand in its output, in that
  order. `…` stands for anything; times, ids, run times and host names are not compared. A command
  has to succeed, unless `$ echo $?` follows. A program that runs until it is stopped (see
  UNTIL_STOPPED) goes on in the background, as in a terminal of its own, until the page's end. A
  block that begins with `^C` ends the last one before that; its last lines stand below.
* A block whose first line is a comment with a file name becomes that file; with `(continued)`
  behind the name it is put at the file's end.
* ```yaml is checked by `celeriac check`, ```cpp without a name is compiled, ```python is run, as a
  doctest where it has `>>>`, ```ini is an addition to the systemd unit, verified, ```logrotate is
  read by logrotate, and ```logstash is an input that tests/interop/test_logs.py plays; ```text is a
  drawing.

Whatever looks like code and is none of these blocks is a mistake of the page.
"""

import contextlib
import dataclasses
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import textwrap

from support.celeriac import CELERIAC, ROOT, environment, sanitizer_report
from support.process import Process

COMMAND_TIMEOUT = 170
READY_TIMEOUT = 90

# Programs that run until they are stopped, and what they say when they are ready for the reader.
UNTIL_STOPPED = {
    r"(celeriac|\./\w+) worker\b.*-l (INFO|info)": r"\bready\.",
    r"(celeriac|\./\w+) worker\b": r"\[queues\]",
    r"celery .*\bworker\b.*-l (INFO|info)": r"\bready\.",
    r"celery .*\bbeat\b": r"is starting\.",
    r"celery .*\bflower\b": r"Visit me at",
    r"celery .*\bevents --dump": r"connected to",
    r"flask .*\brun\b": r"Running on",
    r"python -m http\.server": r"Serving HTTP",
}
LOGROTATE = shutil.which("logrotate", path=os.defpath + ":/usr/sbin") or "logrotate"
LOGSTASH_INPUT = re.compile(
    r"input \{ tcp \{ port => (?P<port>\d+) codec => (?P<codec>\w+) \} \}\n"
)

ENDS_AT_ONCE = re.compile(r" (--help|--print-config|--version|-D|--detach)\b")

# What differs from run to run, in what is shown and in what is printed.
VOLATILE = [
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<id>"),
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d([.,]\d+)?", "<time>"),
    (r"\b\d+(\.\d+)?(e-?\d+)?s\b", "<seconds>"),
    (r"\b(celery|[a-z]\w*)@[\w.-]+", r"\1@<host>"),
    (r"\s+", " "),
]

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\S*)\n(?P<text>.*?)^(?P=indent)```$", re.M | re.S
)
# Fences that are not closed or have more than a language, other kinds of blocks, and prompts.
_CODE = re.compile(r"^\s*(```|~~~|\$ |>>> |<pre|<code)|^\t|^ {4,}(?![-*>0-9])\S*[:=({]")
_FILE_NAME = re.compile(r"(?:#|//) (?P<name>[\w./@-]+\.\w+)(?P<more> \(continued\))?\n")


class WrongPage(AssertionError):
    """What the page says is not so. Names page and line."""


@dataclasses.dataclass(frozen=True)
class Block:
    page: str
    line: int  # of its first line of text
    language: str
    text: str

    @property
    def place(self):
        return f"{self.page}:{self.line}"


@dataclasses.dataclass(frozen=True)
class Step:
    """A command and what the page shows below it."""

    place: str
    command: str
    shown: tuple


def blocks_of(path, name=None):
    text = pathlib.Path(path).read_text()
    found = []
    refuse_what_escapes(text, name or str(path))
    for match in _FENCE.finditer(text):
        line = text.count("\n", 0, match.start("text")) + 1
        body = textwrap.dedent(match["text"])
        found.append(Block(name or str(path), line, match["language"], body))
    return found


def refuse_what_escapes(text, page):
    """Code that a reader of the page would see, and this one would not."""
    # The blocks are emptied, so that lines keep their numbers.
    prose = _FENCE.sub(lambda block: re.sub(r"[^\n]+", "", block.group()), text)
    for number, line in enumerate(prose.splitlines(), 1):
        if _CODE.match(line):
            raise WrongPage(f"{page}:{number}: not in a block that is read: {line}")


def refuse_unused_files(blocks):
    """A file with a name is compiled or run by what stands below it."""
    for position, block in enumerate(blocks):
        named = _FILE_NAME.match(block.text)
        if named and not named["more"] and block.language in ("cpp", "python"):
            stem = pathlib.PurePath(named["name"]).stem
            if not any(re.search(rf"\b{stem}\b", other.text) for other in blocks[position + 1 :]):
                raise WrongPage(f"{block.place}: nothing below uses {named['name']}")


def steps_of(block):
    steps = []
    lines = block.text.splitlines()
    for number, line in enumerate(lines, block.line):
        if line.startswith("$ ") or (line == "^C" and not steps):
            steps.append([f"{block.page}:{number}", line.removeprefix("$ "), []])
        elif not steps:
            raise WrongPage(f"{block.page}:{number}: output without a command: {line}")
        elif steps[-1][1].endswith("\\"):
            steps[-1][1] = steps[-1][1][:-1] + line.strip()
        else:
            steps[-1][2].append(line)
    return [Step(place, command, tuple(shown)) for place, command, shown in steps]


def _normalised(text):
    for pattern, name in VOLATILE:
        text = re.sub(pattern, name, text)
    return text.strip()


def _as_pattern(line):
    return ".*?".join(re.escape(part) for part in re.split(" ?… ?", _normalised(line)))


def first_missing(shown, output):
    """The first line of `shown` that is not in `output` behind those before it, or None."""
    lines = [_normalised(line) for line in output.splitlines()]
    for line in shown:
        if line.strip() in ("", "…"):
            continue
        pattern = re.compile(_as_pattern(line))
        for number, candidate in enumerate(lines):
            if pattern.search(candidate):
                del lines[: number + 1]
                break
        else:
            return line
    return None


class Reader:
    """Somebody who does all that a page says, in a folder with the repository's own in it."""

    def __init__(self, folder, addresses, variables, not_run=()):
        """`addresses`: (pattern, replacement) for every text; see tests/interop/test_docs.py."""
        self.folder = pathlib.Path(folder)
        self.addresses = addresses
        self.not_run = not_run
        self.left_out = set()  # what of not_run was met
        self.running = []
        self._satisfied = True
        self._state = self.folder / ".state"
        programs = self.folder / ".programs"
        programs.mkdir()
        (programs / "celeriac").symlink_to(CELERIAC)
        for program in ("python", "celery", "flask", "pip"):
            path = pathlib.Path(sys.executable).parent / program
            if path.exists():
                (programs / program).write_text(f'#!/bin/sh\nexec {shlex.quote(str(path))} "$@"\n')
                (programs / program).chmod(0o755)
        self.programs = programs
        self.home = self.folder / "celeriac"
        self.home.mkdir()
        for shared in ("examples", "deploy", "python_beat"):
            shutil.copytree(ROOT / shared, self.home / shared)
        for shared in ("worker", "protocol", "tests", "scripts", "docker-compose.yml"):
            (self.home / shared).symlink_to(ROOT / shared)
        (self.home / "build").mkdir()
        (self.home / "build/release").symlink_to(CELERIAC.parent)
        self.environment = environment(
            {"PATH": f"{programs}:{os.environ['PATH']}", "PYTHONUNBUFFERED": "1", **variables}
        )
        self._state.write_text(f"cd {shlex.quote(str(self.home))}\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for place, process in reversed(self.running):
            with contextlib.suppress(ProcessLookupError):
                self._end(place, process, signal.SIGTERM, must_be_clean=self._satisfied)

    def read(self, blocks):
        refuse_unused_files(blocks)
        for block in blocks:
            read = getattr(self, f"_read_{block.language}", None)
            if read is None:
                raise WrongPage(
                    f"{block.place}: a block in {block.language or 'no language'}, which nothing "
                    "checks; name one that support/documents.py lists"
                )
            self._satisfied = False
            read(block)
            self._satisfied = True

    def here(self, text):
        """The text with addresses of this test."""
        for pattern, replacement in self.addresses:
            text = re.sub(pattern, replacement, text)
        return text

    # --- the languages ---

    def _read_text(self, block):
        if re.search(r"^\s*(\$|>>>) |^[\w-]+:( |$)", block.text, re.M):
            raise WrongPage(f"{block.place}: a drawing has no commands and no settings")

    def _read_logrotate(self, block):
        path = self._anonymous(block, "logrotate")
        path.chmod(0o644)  # or logrotate would ignore it
        done = self._bash(f"{LOGROTATE} --debug {path}", block.place)
        if f"error: {path}" in done.stdout or "reading config file" not in done.stdout:
            raise WrongPage(f"{block.place}: {done.stdout}")

    def _read_logstash(self, block):
        if not LOGSTASH_INPUT.fullmatch(block.text):
            raise WrongPage(f"{block.place}: not the input that tests/interop/test_logs.py plays")

    def _read_console(self, block):
        steps = steps_of(block)
        for step, following in zip(steps, [*steps[1:], None], strict=True):
            command = re.sub(r" +# .*$", "", step.command).strip()
            may_fail = following is not None and following.command == "echo $?"
            if command in self.not_run:
                self.left_out.add(command)
            elif command == "^C":
                self._interrupt(step)
            elif self._until_stopped(command) and not may_fail:
                self._start(step, command)
            else:
                self._run(step, command, may_fail)

    def _read_yaml(self, block):
        path = self._file(block) or self._anonymous(block, "yaml")
        if "\nservices:" in "\n" + block.text:
            self._require(block, ["docker-compose", "--file", path, "config", "--quiet"])
        elif "\nscrape_configs:" in "\n" + block.text:
            self._require(block, ["promtool", "check", "config", path])
        else:
            self._require(block, [CELERIAC, "check", path])

    def _read_cpp(self, block):
        if self._file(block):
            return  # a command of the page compiles it
        source = self._anonymous(block, "cpp")
        includes = [f"-I{ROOT / part / 'include'}" for part in ("worker", "protocol")]
        warnings = ["-Wall", "-Wextra", "-Werror"]
        self._require(block, ["c++", "-std=c++20", "-fsyntax-only", *warnings, *includes, source])

    def _read_cmake(self, block):
        if not self._file(block):
            raise WrongPage(f"{block.place}: name its file in the first line")

    def _read_ini(self, block):
        """What `systemctl edit` would add to the worker's unit."""
        unit = self.folder / f"unit-{block.line}" / "celeriac@w1.service"
        addition = unit.parent / f"{unit.name}.d" / "override.conf"
        addition.parent.mkdir(parents=True)
        addition.write_text(block.text)
        shipped = (ROOT / "deploy/systemd/celeriac@.service").read_text()
        unit.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={CELERIAC}", shipped, flags=re.M))
        verified = self._bash(f"systemd-analyze verify --man=no {unit}", block.place)
        about_it = [line for line in verified.stdout.splitlines() if "celeriac" in line]
        if about_it:
            raise WrongPage(f"{block.place}: {about_it}")

    def _read_python(self, block):
        if self._file(block):
            return  # another block or command of the page uses it
        if block.text.startswith(">>> "):
            path = self._anonymous(block, "txt")
            options = ["-o", "ELLIPSIS", "-o", "NORMALIZE_WHITESPACE", "-o", "FAIL_FAST"]
            path.write_text(path.read_text().replace("…", "..."))
            self._require(block, [sys.executable, "-m", "doctest", *options, path])
        else:
            self._require(block, [sys.executable, self._anonymous(block, "py")])

    # --- how ---

    def _file(self, block):
        named = _FILE_NAME.match(block.text)
        if not named:
            return None
        if named["name"].startswith("/"):
            raise WrongPage(f"{block.place}: the name of a file is one below the reader's folder")
        path = self._working_directory() / named["name"]
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a" if named["more"] else "w") as file:
            file.write(self.here(block.text))
        return path

    def _anonymous(self, block, suffix):
        path = self.folder / f"block-{block.line}.{suffix}"
        path.write_text(self.here(block.text))
        return path

    def _working_directory(self):
        place = subprocess.run(
            ["bash", "-c", f". {self._state}; pwd"], capture_output=True, text=True, check=True
        )
        return pathlib.Path(place.stdout.strip())

    def _require(self, block, command):
        script = f". {shlex.quote(str(self._state))}; exec {shlex.join(map(str, command))}"
        done = self._bash(script, block.place)
        if done.returncode:
            raise WrongPage(
                f"{block.place}: {command[0]} ended with {done.returncode}:\n{done.stdout}"
            )

    def _bash(self, script, place):
        try:
            return subprocess.run(
                ["bash", "-c", script],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=COMMAND_TIMEOUT,
            )
        except subprocess.TimeoutExpired as expired:
            output = (expired.stdout or b"").decode(errors="replace")
            raise WrongPage(f"{place}: does not end:\n{script}\n{output}") from None

    def _run(self, step, command, may_fail):
        state = shlex.quote(str(self._state))
        # What the reader's shell would keep: directory, variables, the last exit code.
        script = (
            f". {state}\n{self.here(command)}\nstatus=$?\n"
            "{ declare -px | grep -v 'declare -[a-z]*r'; "
            'printf "cd %q\\n(exit %s)\\n" "$PWD" "$status"; } > '
            f"{state}.new\nmv {state}.new {state}\nexit $status"
        )
        done = self._bash(script, step.place)
        if done.returncode and not may_fail:
            raise WrongPage(
                f"{step.place}: `{command}` ended with {done.returncode}:\n{done.stdout}"
            )
        missing = first_missing(map(self.here, step.shown), done.stdout)
        if missing is not None:
            raise WrongPage(
                f"{step.place}: `{command}` does not print what is shown:\n{missing}\n"
                f"It printed:\n{done.stdout}{self._logs()}"
            )

    @staticmethod
    def _until_stopped(command):
        if ENDS_AT_ONCE.search(command):
            return None
        for pattern, ready in UNTIL_STOPPED.items():
            if re.search(pattern, command):
                return ready
        return None

    def _start(self, step, command):
        before, both, last = self.here(command).rpartition("&& ")
        assignments = re.match(r"(\w+=\S+ )*", last).group()
        script = f"{before}{both}{assignments}exec {last[len(assignments) :]}"
        log = self.folder / f"process-{len(self.running)}.log"
        process = Process(
            command,
            ["bash", "-c", f". {self._state}; {script}"],
            log,
            env=self.environment,
        )
        self.running.append((step.place, process))
        shown = list(map(self.here, step.shown))
        try:
            process.wait_for_log(self._until_stopped(command), READY_TIMEOUT)
            process.wait_until(
                lambda: first_missing(shown, process.log) is None,
                "what the page shows",
                READY_TIMEOUT,
            )
        except AssertionError as error:
            missing = first_missing(shown, process.log)
            raise WrongPage(f"{step.place}: {error}\nShown and missing: {missing}") from None

    def _interrupt(self, step):
        """Ctrl-C in the terminal of what was started last."""
        if not self.running:
            raise WrongPage(f"{step.place}: nothing runs that ^C could end")
        _, process = self.running.pop()
        before = len(process.log)
        self._end(step.place, process, signal.SIGINT, must_be_clean=True)
        missing = first_missing(step.shown, process.log[before:])
        if missing is not None:
            raise WrongPage(f"{step.place}: not printed at the end: {missing}\n{process.tail()}")

    def _end(self, place, process, number, must_be_clean):
        """As a terminal does it: the whole process group is told."""
        if process.running:
            os.killpg(process.pid, number)
        code = process.wait(60)
        report = sanitizer_report(process.log)
        if must_be_clean and report:
            raise WrongPage(f"{place}: {report}")
        expected = 1 if number == signal.SIGINT else 0  # as Celery's worker
        if must_be_clean and "celeriac worker" in process.name and code != expected:
            raise WrongPage(f"{place}: `{process.name}` ended with {code}:\n{process.tail()}")

    def _logs(self):
        return "".join(f"\nlog of {p.name}:\n{p.tail(60)}\n" for _, p in self.running)
