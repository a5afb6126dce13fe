"""A Debian with systemd in it, booted from a root of tests/debian/make-root."""

import pathlib
import subprocess

from support.process import Process

_DEBIAN = pathlib.Path(__file__).resolve().parent.parent / "debian"


def make_root(name, release, *packages):
    """The folder of the root, which is made unless it is there."""
    made = subprocess.run(
        [_DEBIAN / "make-root", name, release, *packages],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return pathlib.Path(made.stdout.strip())


class Machine:
    """Boots when it is entered and is gone afterwards; `binds` are folders of ours to show in it.

    It shares our network, so that a private server of a test is at 127.0.0.1 there too.
    """

    def __init__(self, root, log_path, binds=()):
        arguments = [part for bind in binds for part in ("--bind", bind)]
        self._command = [_DEBIAN / "boot-root", *arguments, root]
        self._log_path = log_path

    def __enter__(self):
        self._process = Process("boot-root", self._command, self._log_path)
        self._systemd = self._process.wait_for_log(r"^booted (\d+)$", timeout=120).group(1)
        return self

    def __exit__(self, *_):
        self._process.terminate()

    def run(self, *command, check=True):
        """Runs a command; its output, with what it complains of. A failure shows it."""
        enter = ("nsenter", "--target", self._systemd, "--mount", "--pid", "--root", "--wd")
        done = subprocess.run(
            [*enter, *map(str, command)],
            env={
                "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "LANG": "C.UTF-8",
                "DEBIAN_FRONTEND": "noninteractive",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if check and done.returncode:
            raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}")
        return done.stdout

    def start(self, unit):
        """Starts a unit and returns when it says that it is ready; a failure shows its log."""
        self.run(
            "sh", "-c", f"systemctl start {unit} || {{ journalctl --no-pager -u {unit}; exit 1; }}"
        )

    def wait_until(self, condition, what, timeout=60):
        return self._process.wait_until(condition, what, timeout)

    def write(self, path, text):
        """Replaces a file's text; its owner and mode stay."""
        self.run("sh", "-c", f'printf %s "$1" > {path}', "sh", text)

    def exists(self, path):
        return self.run("sh", "-c", f"test -e {path} && echo yes", check=False) == "yes\n"
