"""The .deb in a fresh Debian under a real systemd, from its installation to its purge.

One machine lives through all the tests, in their order. CELERIAC_PACKAGE names the package.
"""

import os
import pathlib
import platform
import subprocess

import pytest

from support.machine import Machine, make_root

HERE = pathlib.Path(__file__).parent
UNIT = "celeriac@w1.service"


@pytest.fixture(scope="module")
def package():
    path = os.environ.get("CELERIAC_PACKAGE")
    assert path, "CELERIAC_PACKAGE must name the .deb; `scripts/test package` makes it"
    return pathlib.Path(path).resolve()


@pytest.fixture(scope="module")
def machine(package, tmp_path_factory):
    """The Debian that the package was made on, fresh."""
    release = platform.freedesktop_os_release()["VERSION_CODENAME"]
    root = make_root(
        f"packaging-{release}", release, "systemd", "g++", "cmake", "make", "ca-certificates"
    )
    log = tmp_path_factory.mktemp("machine") / "systemd.log"
    with Machine(root, log, [f"{package.parent}:/packages", f"{HERE}:/packaging"]) as booted:
        yield booted


@pytest.fixture
def configured(machine, broker_url, redis_url):
    """The installed package, its workers pointed to the private servers of the test."""

    def configure(options=""):
        machine.write(
            "/etc/default/celeriac",
            f"CELERY_BROKER_URL={broker_url}\nCELERY_RESULT_BACKEND={redis_url}\n"
            f"CELERIAC_REDIS={redis_url}\n"
            f"CELERIAC_OPTIONS=--config /etc/celeriac/alerts.yaml -l INFO {options}\n",
        )

    yield configure
    machine.run("systemctl", "stop", UNIT, check=False)


def state(machine, *properties):
    shown = machine.run("systemctl", "show", UNIT, "--property", ",".join(properties))
    return dict(line.split("=", 1) for line in shown.splitlines())


def test_apt_installs_it_with_what_it_needs(machine, package):
    machine.run("apt-get", "update", "-q")
    machine.run(
        "apt-get", "install", "-q", "-y", "--no-install-recommends", f"/packages/{package.name}"
    )
    assert machine.run("celeriac", "--version").startswith("celeriac ")
    assert "no mistakes" in machine.run("celeriac", "check", "/etc/celeriac/alerts.yaml")
    assert machine.run("stat", "-c", "%U:%G %a", "/etc/default/celeriac") == "root:root 640\n"
    assert (
        machine.run("stat", "-c", "%U:%G %a", "/etc/celeriac/alerts.yaml") == "root:celeriac 640\n"
    )
    assert machine.run("stat", "-c", "%U:%G", "/var/log/celeriac") == "celeriac:celeriac\n"
    assert machine.run("systemd-analyze", "verify", "--man=no", UNIT, "celeriac.target") == ""


def test_systemd_starts_a_worker_that_answers(machine, configured, app):
    configured()
    machine.run("systemctl", "enable", "celeriac.target", UNIT)
    machine.start("celeriac.target")
    machine.start(UNIT)  # the target has begun to; this waits for it
    assert state(machine, "ActiveState", "SubState", "User", "StatusText") == {
        "ActiveState": "active",
        "SubState": "running",
        "User": "celeriac",
        "StatusText": "Consuming",
    }
    assert len(app.control.ping(timeout=30, limit=1)) == 1
    machine.run("systemctl", "reload", UNIT)
    machine.run("systemctl", "stop", "celeriac.target")
    machine.wait_until(
        lambda: state(machine, "ActiveState")["ActiveState"] in ("inactive", "failed"), "its end"
    )
    assert state(machine, "ActiveState", "Result") == {
        "ActiveState": "inactive",
        "Result": "success",
    }


def test_a_users_module_builds_against_the_installed_sdk(machine, configured, app, redis_server):
    machine.run("cmake", "-S", "/packaging/user_module", "-B", "/var/lib/celeriac/build")
    machine.run("cmake", "--build", "/var/lib/celeriac/build")
    configured("-A /var/lib/celeriac/build/user_tasks.so")
    machine.start(UNIT)
    assert app.send_task("user.add", (2, 3)).get(timeout=30) == 5
    assert app.send_task("user.greet", ("you",)).get(timeout=30) == "hello you"


def test_a_users_program_builds_against_the_installed_libraries(machine):
    suggested = machine.run("dpkg-query", "--show", "--showformat=${Suggests}", "celeriac")
    needed = [name for name in suggested.split(", ") if name.endswith(("-dev", "config"))]
    machine.run("apt-get", "install", "-q", "-y", "--no-install-recommends", *needed)
    build = "/var/lib/celeriac/program"
    machine.run("cmake", "-S", "/packaging/user_program", "-B", build)
    machine.run("cmake", "--build", build)
    machine.run("ctest", "--test-dir", build, "--no-tests=error")
    assert "user.add" in machine.run(f"{build}/user_worker", "tasks")


def test_lintian_has_no_complaint(package):
    done = subprocess.run(
        ["lintian", "--fail-on", "error", "--allow-root", package], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_systemd_replaces_a_worker_whose_loop_hangs(machine, configured):
    configured()
    override = "/etc/systemd/system/celeriac@.service.d/soon.conf"
    machine.run("mkdir", "-p", os.path.dirname(override))
    machine.write(override, "[Service]\nWatchdogSec=3\nRestartSec=0\n")
    machine.run("systemctl", "daemon-reload")
    machine.start(UNIT)
    machine.run("kill", "-STOP", state(machine, "MainPID")["MainPID"])
    machine.wait_until(
        lambda: (
            state(machine, "NRestarts", "SubState") == {"NRestarts": "1", "SubState": "running"}
        ),
        "another worker",
    )
    machine.run("rm", "-r", os.path.dirname(override))
    machine.run("systemctl", "daemon-reload")


def test_an_upgrade_keeps_the_configuration_and_replaces_the_worker(
    machine, configured, package, app
):
    configured()
    machine.start(UNIT)
    before = state(machine, "MainPID")
    text = machine.run("cat", "/etc/default/celeriac")
    machine.run("dpkg", "--install", f"/packages/{package.name}")
    machine.start(UNIT)  # waits for the restart, which was only asked for
    assert state(machine, "ActiveState")["ActiveState"] == "active"
    assert state(machine, "MainPID") != before
    assert machine.run("cat", "/etc/default/celeriac") == text


def test_removing_stops_the_worker_and_keeps_the_configuration(machine, configured):
    configured()
    machine.start(UNIT)
    machine.run("apt-get", "remove", "-q", "-y", "celeriac")
    assert state(machine, "ActiveState")["ActiveState"] == "inactive"
    assert not machine.exists("/usr/bin/celeriac")
    assert machine.exists("/etc/default/celeriac")
    assert machine.exists("/var/lib/celeriac")


def test_purging_leaves_nothing(machine):
    machine.run("apt-get", "purge", "-q", "-y", "celeriac")
    assert (
        machine.run("sh", "-c", "find / -xdev -iname '*celeriac*' -not -path '/sys/*' 2>&1") == ""
    )
    assert "celeriac" not in machine.run("cat", "/etc/passwd", "/etc/group")
    assert "celeriac" not in machine.run("systemctl", "list-unit-files", "--no-pager")
