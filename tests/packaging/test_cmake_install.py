"""`cmake --install` below a prefix of one's own: the program runs, the SDK is found, units fit."""

import os
import pathlib
import subprocess
import sys

import pytest

from support.celeriac import ROOT

BUILD = ROOT / "build/release"


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prefix")
    subprocess.run(
        ["cmake", "--install", BUILD, "--prefix", folder], check=True, stdout=subprocess.DEVNULL
    )
    return folder


def test_the_program_runs_and_its_units_start_it(prefix):
    program = prefix / "bin/celeriac"
    subprocess.run([program, "--version"], check=True)
    unit = (prefix / "lib/systemd/system/celeriac@.service").read_text()
    assert f"ExecStart={program} worker " in unit
    assert "/usr/bin" not in unit


def test_a_module_is_built_against_it_and_loaded(prefix, tmp_path):
    source = pathlib.Path(__file__).parent / "user_module"
    subprocess.run(
        ["cmake", "-S", source, "-B", tmp_path, f"-DCMAKE_PREFIX_PATH={prefix}"], check=True
    )
    subprocess.run(["cmake", "--build", tmp_path], check=True)
    listed = subprocess.run(
        [prefix / "bin/celeriac", "tasks", "-A", tmp_path / "user_tasks.so"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert "user.add" in listed.stdout


def test_a_program_and_a_test_of_its_tasks_are_built_against_it(prefix, tmp_path):
    source = pathlib.Path(__file__).parent / "user_program"
    subprocess.run(
        ["cmake", "-S", source, "-B", tmp_path, f"-DCMAKE_PREFIX_PATH={prefix}"], check=True
    )
    subprocess.run(["cmake", "--build", tmp_path], check=True)
    subprocess.run(["ctest", "--test-dir", tmp_path, "--no-tests=error"], check=True)
    listed = subprocess.run(
        [tmp_path / "user_worker", "tasks"], check=True, capture_output=True, text=True
    )
    assert "user.add" in listed.stdout


def test_an_unknown_component_is_refused(prefix, tmp_path):
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(x LANGUAGES CXX)\n"
        "find_package(celeriac REQUIRED COMPONENTS wroker)\n"
    )
    refused = subprocess.run(
        ["cmake", "-S", tmp_path, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={prefix}"],
        capture_output=True,
        text=True,
    )
    assert refused.returncode
    assert "celeriac has no component wroker" in " ".join(refused.stderr.split())


def test_beat_is_complete(prefix, tmp_path):
    (tmp_path / "alerts.yaml").write_text("")
    subprocess.run(
        [sys.executable, "-c", "import beat; print(beat.app)"],
        check=True,
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(prefix / "share/celeriac/python_beat"),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
    )


def test_the_manual_names_every_command(prefix):
    manual = (prefix / "share/man/man1/celeriac.1").read_text()
    helped = subprocess.run(
        [prefix / "bin/celeriac", "--help"], check=True, capture_output=True, text=True
    ).stdout
    commands = helped.split("Commands:\n")[1].split("\n\n")[0]
    for line in commands.splitlines():
        assert f".B {line.split()[0]}\n" in manual, f"the manual page lacks {line.split()[0]}"
