"""What in-root mounts is seen by its command alone and leaves nothing behind."""

import pathlib
import subprocess

import pytest

from support.process import Process

IN_ROOT = pathlib.Path(__file__).parent / "in-root"


@pytest.fixture
def root(tmp_path):
    """This machine's programs and nothing else."""
    for name in ("dev", "proc", "sys", "usr"):
        (tmp_path / name).mkdir()
    for name in ("bin", "lib", "lib64"):
        (tmp_path / name).symlink_to(f"usr/{name}")
    return tmp_path


@pytest.fixture
def in_root(root):
    return [IN_ROOT, "--bind", "/usr", "--bind", "/etc:/host/etc", root]


def test_the_command_sees_what_is_bound_and_devices(in_root):
    script = "test -c /dev/null && test -d /proc/$$ && test -f /host/etc/passwd && ! test -e /etc"
    subprocess.run([*in_root, "/bin/sh", "-c", script], check=True)


def test_its_exit_code_is_ours(in_root):
    assert subprocess.run([*in_root, "/bin/sh", "-c", "exit 3"]).returncode == 3


def test_nobody_else_sees_the_mounts_and_a_kill_ends_them(root, in_root):
    process = Process("in-root", [*in_root, "/bin/sh", "-c", "echo up; sleep 60"], root / "log")
    process.wait_for_log("up")
    assert str(root) not in pathlib.Path("/proc/mounts").read_text()
    assert not any((root / "usr").iterdir())
    process.kill()
    assert not pathlib.Path(f"/proc/{process.pid}").exists()
    (root / "usr").rmdir()  # busy if it were still mounted somewhere
