"""Child processes that end with us and whose log can be awaited."""

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import time

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _begin_child():
    """Ends with its parent, and hears Ctrl-C even if our shell put us into the background."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Process:
    """A program with its output in a file. It gets its own process group."""

    def __init__(self, name, command, log_path, env=None, cwd=None):
        self.name = name
        self.command = [str(part) for part in command]
        self.log_path = str(log_path)
        self._log_file = open(self.log_path, "ab", buffering=0)  # noqa: SIM115
        self._popen = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=self._log_file,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            start_new_session=True,
            preexec_fn=_begin_child,
        )

    @property
    def pid(self):
        return self._popen.pid

    @property
    def returncode(self):
        """The exit code, or None while it runs."""
        return self._popen.poll()

    @property
    def running(self):
        return self._popen.poll() is None

    @property
    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def signal(self, number):
        """Sends to the program itself, not to its children."""
        self._popen.send_signal(number)

    def wait(self, timeout=30):
        """Returns the exit code; kills the group and complains when it takes too long."""
        try:
            code = self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"{self.name} did not end within {timeout} s; last lines of its log:\n{self.tail()}"
            ) from None
        self._log_file.close()
        return code

    def terminate(self, timeout=30):
        """TERM, then wait. Harmless when it has ended already."""
        if self.running:
            self.signal(signal.SIGTERM)
        return self.wait(timeout)

    def kill(self):
        """KILL to the whole group: the program and whatever it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        code = self._popen.wait()
        self._log_file.close()
        return code

    def tail(self, lines=40):
        return "\n".join(self.log.splitlines()[-lines:])

    def wait_for_log(self, pattern, timeout=30, count=1):
        """Waits until the pattern stands `count` times in the log; returns the last match."""
        expression = re.compile(pattern, re.MULTILINE)

        def found():
            matches = list(expression.finditer(self.log))
            return matches[count - 1] if len(matches) >= count else None

        return self.wait_until(found, f"{pattern!r} in its log", timeout)

    def wait_until(self, condition, what, timeout=30):
        """Polls the condition; fails early when the program ends first."""
        deadline = time.monotonic() + timeout
        while True:
            ended = not self.running  # read before the condition, so that its last words count
            result = condition()
            if result:
                return result
            if ended:
                raise AssertionError(
                    f"{self.name} ended with {self.returncode} before {what}:\n{self.tail()}"
                )
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"{self.name}: no {what} within {timeout} s; its log:\n{self.tail()}"
                )
            time.sleep(0.02)
