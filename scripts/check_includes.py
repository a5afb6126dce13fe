"""Refuses includes that point the wrong way.

    tasks -> <celeriac/...> <- worker -> protocol

Run without arguments it checks every source file that git knows. Each rule names the folder or
file it speaks of, what that may include, and the reason is the comment beside it.
"""

import dataclasses
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Libraries that are wrapped once. Whoever else needs them goes through the wrapper.
OWNERS = {
    "rapidjson": ("protocol/json/",),
    "yaml-cpp": ("protocol/config/", "protocol/serialization/", "worker/config/"),
    "zlib": ("protocol/serialization/", "protocol/compression/"),
    "bzlib": ("protocol/serialization/", "protocol/compression/"),
    "lzma": ("protocol/serialization/", "protocol/compression/"),
    "zstd": ("protocol/serialization/", "protocol/compression/"),
    "uv": ("worker/loop/", "worker/broker/amqp/", "worker/clients/"),
    "rabbitmq-c": ("worker/broker/amqp/",),
    "amqp": ("worker/broker/amqp/",),
    "curl": ("worker/clients/",),
    "hiredis": ("worker/clients/",),
    "spdlog": ("worker/log/",),
    "fmt": ("worker/log/",),
    "CLI": ("worker/cli/",),
    "prometheus": ("worker/monitoring/",),
    "openssl": ("worker/", "tasks/"),
}

# protocol/ is values in, values out: nothing that waits, tells the time or talks to the system.
IMPURE = {"thread", "mutex", "condition_variable", "future", "atomic", "fstream", "iostream"}
IMPURE_CALLS = re.compile(r"\b(system_clock|steady_clock)::now\b|\bgetenv\b|\brandom_device\b")

# Names that say nothing about what is inside.
SHAPELESS = re.compile(r"(^|/)(util|utils|common|helper|helpers|misc)(/|\.|$)")

INCLUDE = re.compile(r'^\s*#\s*include\s*(<([^>]+)>|"([^"]+)")', re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Layer:
    """A part of the tree and the project's own headers that it may include."""

    prefix: str
    own: tuple  # prefixes of quoted includes
    neighbours: bool = False  # whether "x.h" may name a header of the same folder


# The first match counts.
LAYERS = (
    Layer("protocol/include/", ()),
    Layer("protocol/", ("protocol/",)),
    Layer("worker/include/", ()),
    Layer("worker/main.cpp", ("worker/", "tasks/", "protocol/")),
    Layer("worker/", ("worker/", "protocol/")),
    Layer("tasks/", ("tasks/",)),
    Layer("examples/", ("examples/",), neighbours=True),
    Layer("tests/", ("tests/", "worker/", "protocol/", "tasks/"), neighbours=True),
)


def complaints(path, text, protocol_headers):
    """What is wrong with one file, as `path:line: sentence`."""
    found = []

    def complain(position, sentence):
        line = text.count("\n", 0, position) + 1
        found.append(f"{path}:{line}: {sentence}")

    if SHAPELESS.search(path):
        complain(0, "the name says nothing; call it what it holds")
    layer = next((layer for layer in LAYERS if path.startswith(layer.prefix)), None)
    if layer is None:
        complain(0, "no rule for this folder; add one to scripts/check_includes.py")
        return found

    pure = path.startswith("protocol/")
    for match in INCLUDE.finditer(text):
        system, quoted = match.group(2), match.group(3)
        name = system or quoted
        if ".." in name.split("/"):
            complain(match.start(1), f"{name}: no path climbs up; write it from the root")
        elif quoted:
            if layer.neighbours and "/" not in quoted:
                continue
            if not quoted.startswith(layer.own):
                complain(match.start(1), f"{layer.prefix} may not include {quoted}")
            elif "/include/" in quoted:
                complain(match.start(1), f"{quoted} is public; include it as <celeriac/…>")
        elif name.startswith("celeriac/"):
            if pure and name not in protocol_headers:
                complain(match.start(1), f"protocol/ may not include the worker's <{name}>")
        elif pure and name in IMPURE:
            complain(match.start(1), f"protocol/ is pure; <{name}> is not for it")
        else:
            library = _library(name)
            owners = OWNERS.get(library)
            if owners and not path.startswith((*owners, "tests/", "examples/")):
                complain(match.start(1), f"<{name}> belongs to {' and '.join(owners)} alone")
            elif not owners and _foreign(name):
                complain(match.start(1), f"<{name}>: no rule for this library; add its owner")
    if pure:
        for match in IMPURE_CALLS.finditer(text):
            complain(match.start(), f"protocol/ is pure; {match.group()} comes in as an argument")
    return found


def _library(name):
    """The library of a system include: its folder, or a flat header's stem."""
    head, slash, _ = name.partition("/")
    if slash:
        return head
    stem = pathlib.PurePath(name).stem
    return "amqp" if stem.startswith("amqp") else stem


# Folders of the C library and the kernel; flat names without an owner are the standard's.
SYSTEM_FOLDERS = {"sys", "netinet", "arpa", "net", "linux", "gnu", "experimental"}


def _foreign(name):
    head, slash, _ = name.partition("/")
    return bool(slash) and head not in SYSTEM_FOLDERS and head not in ("gtest", "gmock")


def main():
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.h", "*.cpp"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    public = "protocol/include/"
    protocol_headers = {path.removeprefix(public) for path in listed if path.startswith(public)}
    found = []
    for path in listed:
        file = ROOT / path
        if file.exists():
            found += complaints(path, file.read_text(), protocol_headers)
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
