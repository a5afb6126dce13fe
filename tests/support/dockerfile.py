"""Carries out a Dockerfile where no Docker engine can run: each stage becomes a root.

FROM, COPY (with .dockerignore), RUN, WORKDIR, ENV, USER, ENTRYPOINT and CMD mean what they mean to
Docker; anything else is an error. An image of Debian is a debootstrap of the same release.
"""

import fnmatch
import json
import os
import pathlib
import shlex
import shutil
import subprocess

from support.celeriac import ROOT
from support.machine import make_root
from support.servers import IN_ROOT

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# As in Debian's images: apt keeps no packages and no caches.
_DOCKER_CLEAN = """\
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
"""


def instructions(text):
    """(instruction, rest) of a Dockerfile, with continued lines joined and comments dropped."""
    logical = ""
    for line in text.splitlines():
        if line.lstrip().startswith("#") or (not logical and not line.strip()):
            continue
        if line.endswith("\\"):
            logical += line[:-1]
            continue
        word, _, rest = (logical + line).strip().partition(" ")
        yield word.upper(), rest.strip()
        logical = ""


def of_this_machine():
    """Folders to bind, and variables, that Docker's build would not have.

    What this machine trusts, for a download behind a proxy that signs with an authority of its
    own; its compiler cache; and how many compilers it bears.
    """
    binds, variables = ["/etc/ssl/certs:/run/certificates"], {}
    variables["PIP_CERT"] = "/run/certificates/ca-certificates.crt"
    variables["CMAKE_BUILD_PARALLEL_LEVEL"] = os.environ.get(
        "CMAKE_BUILD_PARALLEL_LEVEL", os.cpu_count()
    )
    if shutil.which("ccache"):
        asked = subprocess.run(
            ["ccache", "--get-config", "cache_dir"], check=True, stdout=subprocess.PIPE, text=True
        )
        folder = pathlib.Path(asked.stdout.strip())
        folder.mkdir(parents=True, exist_ok=True)
        binds.append(f"{folder}:/run/ccache")
        variables |= {"CCACHE_DIR": "/run/ccache", "CMAKE_CXX_COMPILER_LAUNCHER": "ccache"}
    return binds, variables


class Stage:
    """A file system and the settings that instructions leave behind."""

    def __init__(self, name, root, parent=None):
        self.name, self.root = name, root
        self.workdir = parent.workdir if parent else "/"
        self.user = parent.user if parent else "root"
        self.environment = dict(parent.environment) if parent else {"PATH": _PATH}
        self.entrypoint, self.cmd = [], []

    def path(self, inside):
        """Where a path of the image is on this machine."""
        return self.root / os.path.join(self.workdir, inside).lstrip("/")

    def command(self, words, variables=None, binds=()):
        """What runs these words as a container would, in the process that is started."""
        variables = {**self.environment, "HOME": self._home(), **(variables or {})}
        shown = [part for bind in binds for part in ("--bind", bind)]
        inside = (
            *("env", "-i", *(f"{name}={value}" for name, value in variables.items())),
            *("sh", "-c", 'cd "$0" && exec "$@"', self.workdir),
            *("setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--init-groups", "--"),
        )
        return [str(word) for word in (IN_ROOT, *shown, self.root, *inside, *words)]

    def run(self, *words, variables=None, binds=()):
        """Its output; a failure raises."""
        command = self.command(words, variables, binds)
        done = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode:
            raise AssertionError(f"{self.name}: {words} failed:\n{done.stdout[-5000:]}")
        return done.stdout

    def size(self):
        """In megabytes, with all of Debian that debootstrap installs."""
        counted = subprocess.run(
            ["du", "-sxm", self.root], check=True, stdout=subprocess.PIPE, text=True
        )
        return int(counted.stdout.split()[0])

    def _home(self):
        for line in (self.root / "etc/passwd").read_text().splitlines():
            fields = line.split(":")
            if fields[0] == self.user:
                return fields[5]
        raise AssertionError(f"USER {self.user} does not exist in the image {self.name}")


class Builder:
    """Builds all stages of a Dockerfile below a folder; `stages` has them by name."""

    def __init__(self, folder):
        self.stages = {}
        self._folder = folder
        self._stage = None
        self._binds, self._variables = of_this_machine()
        self._ignored = [
            line.strip()
            for line in (ROOT / ".dockerignore").read_text().splitlines()
            if line.strip() and not line.startswith("#")
        ]

    def build(self, text):
        for word, rest in instructions(text):
            print(f"[{self._stage.name if self._stage else ''}] {word} {rest}", flush=True)
            handler = getattr(self, f"_{word.lower()}", None)
            if handler is None:
                raise AssertionError(f"{word} is not known to tests/support/dockerfile.py")
            handler(rest)
        return self.stages

    def _from(self, rest):
        image, _, name = rest.split()
        parent = self.stages.get(image)
        root = self._folder / name
        source = parent.root if parent else self._debian(image)
        subprocess.run(["cp", "-a", "--reflink=auto", source, root], check=True)
        if not parent:
            (root / "etc/apt/apt.conf.d/docker-clean").write_text(_DOCKER_CLEAN)
        self._stage = self.stages[name] = Stage(name, root, parent)

    @staticmethod
    def _debian(image):
        repository, _, tag = image.partition(":")
        if repository != "debian":
            raise AssertionError(f"FROM {image}: only images of Debian can be made here")
        release = tag.removesuffix("-slim")
        return make_root(f"docker-{release}", release)

    def _run(self, rest):
        self._stage.run("/bin/sh", "-c", rest, variables=self._variables, binds=self._binds)

    def _workdir(self, rest):
        self._stage.workdir = os.path.join(self._stage.workdir, rest)
        self._stage.path(".").mkdir(parents=True, exist_ok=True)

    def _user(self, rest):
        self._stage.user = rest

    def _env(self, rest):
        self._stage.environment |= dict(pair.split("=", 1) for pair in shlex.split(rest))

    def _entrypoint(self, rest):
        self._stage.entrypoint = json.loads(rest)

    def _cmd(self, rest):
        self._stage.cmd = json.loads(rest)

    def _copy(self, rest):
        *sources, target = rest.split()
        into = self._stage.path(target)
        if sources[0].startswith("--from="):
            origin = self.stages[sources.pop(0).removeprefix("--from=")].root
            files = [(origin / source.lstrip("/"), "") for source in sources]
        else:
            files = [item for source in sources for item in self._context(source)]
        if not files:
            raise AssertionError(f"COPY {rest}: nothing to copy")
        for path, below in files:
            if below:
                where = into / below
            else:
                where = into / path.name if target.endswith("/") or into.is_dir() else into
            where.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, where)

    def _context(self, source):
        """(file, path below a copied folder or "") for a COPY source in the build context."""
        for match in sorted(ROOT.glob(source)) if source != "." else [ROOT]:
            if match.is_file():
                if not self._is_ignored(match.relative_to(ROOT)):
                    yield match, ""
                continue
            for folder, folders, files in os.walk(match):
                here = pathlib.Path(folder)
                folders[:] = [
                    name
                    for name in folders
                    if not self._is_ignored((here / name).relative_to(ROOT))
                ]
                for name in files:
                    path = here / name
                    if not self._is_ignored(path.relative_to(ROOT)):
                        yield path, str(path.relative_to(match))

    def _is_ignored(self, path):
        for pattern in self._ignored:
            name = pattern.removeprefix("**/")
            target = path.name if pattern.startswith("**/") else str(path)
            if fnmatch.fnmatchcase(target, name):
                return True
        return False
