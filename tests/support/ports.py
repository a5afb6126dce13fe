"""Loopback ports that nobody else takes while this process lives."""

import fcntl
import os
import random
import socket
import tempfile

# Below Linux's ephemeral range: a server that is down for a while keeps its port, and a client
# that dials it meanwhile cannot be given that very port as its own and talk to itself.
_FIRST, _LAST = 15000, 32000

_reserved = []  # open lock files; the lock lives as long as the process


def free_port():
    """A port that is free now and that no other test run on this machine will choose."""
    folder = os.path.join(tempfile.gettempdir(), f"celeriac-ports-{os.getuid()}")
    os.makedirs(folder, exist_ok=True)
    while True:
        port = random.randrange(_FIRST, _LAST)
        lock = open(os.path.join(folder, str(port)), "w")  # noqa: SIM115, held on purpose
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
            continue
        _reserved.append(lock)
        return port
