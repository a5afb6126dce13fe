"""Runs `celeriac worker` and judges how it ended."""

import os
import pathlib
import re
import signal

from support.process import Process

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CELERIAC = pathlib.Path(os.environ.get("CELERIAC_BINARY", ROOT / "build/debug/celeriac"))

# A sanitizer build is slow to start on a busy machine; nothing waits this long when all is well.
READY_TIMEOUT = 60

_SANITIZER_REPORT = re.compile(
    r"(ERROR|WARNING): (Address|Leak|Thread|Memory)Sanitizer|: runtime error: "
)


def sanitizer_report(log):
    """What a sanitizer wrote into this log, or None."""
    report = _SANITIZER_REPORT.search(log)
    return report and log[report.start() : report.start() + 4000]


def environment(additions):
    """Our own environment, plus what the sanitizers need, plus these."""
    return {
        **os.environ,
        "ASAN_OPTIONS": "detect_stack_use_after_return=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "TSAN_OPTIONS": f"suppressions={ROOT / 'tests/support/tsan.supp'}",
        **additions,
    }


class Worker(Process):
    """A running `celeriac worker`."""

    def __init__(self, arguments, log_path, env, binary=CELERIAC):
        self.arguments = [str(argument) for argument in arguments]
        self.expected_exit = 0
        if not pathlib.Path(binary).exists():
            raise AssertionError(f"{binary} is missing; build it or set CELERIAC_BINARY")
        super().__init__("celeriac", [binary, *self.arguments], log_path, env=env)

    def wait_ready(self, timeout=READY_TIMEOUT):
        """Waits for the line that Celery's worker prints too: `NODE ready.`"""
        self.wait_for_log(r"\bready\.", timeout)
        return self

    def stop(self, number=signal.SIGTERM, timeout=60):
        """A warm shutdown, which has to end with exit code 0 and without a sanitizer report."""
        if self.running:
            self.signal(number)
        code = self.wait(timeout)
        self.check(code)
        return code

    def kill(self):
        """A crash: no clean-up of any kind, and no exit code to expect."""
        self.expected_exit = -signal.SIGKILL
        return super().kill()

    def check(self, code):
        report = sanitizer_report(self.log)
        assert not report, f"sanitizer report: {report}"
        assert code == self.expected_exit, (
            f"celeriac ended with {code}, not {self.expected_exit}:\n{self.tail()}"
        )
