"""A way to Redis that can be stopped at one command: the moment at which a test kills somebody."""

import collections
import contextlib
import re
import socket
import threading


class Hold:
    """One command that waits until somebody lets it go on, or drops it with its connection."""

    def __init__(self, pattern, when):
        self.pattern, self.when = re.compile(pattern), when
        self._reached, self._released = threading.Event(), threading.Event()
        self._dropped = False

    def wait_reached(self, timeout=60):
        assert self._reached.wait(timeout), f"no command like {self.pattern.pattern} came"

    def release(self):
        self._released.set()

    def drop(self):
        """As if whoever sent it had been killed before the network took it."""
        self._dropped = True
        self._released.set()

    def stop_here(self):
        self._reached.set()
        self._released.wait()
        if self._dropped:
            raise EOFError


class RedisGate:
    """Passes commands and replies through, one by one, to the Redis at this port."""

    def __init__(self, port):
        self._target = port
        self._holds = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._listener.close()
        for hold in self._holds:
            hold.release()

    def url(self, database):
        return f"redis://127.0.0.1:{self.port}/{database}"

    def hold_before(self, pattern):
        """The next command with these bytes does not reach Redis."""
        return self._plan(Hold(pattern, "before"))

    def hold_after(self, pattern):
        """The next command with these bytes is executed, but its reply does not arrive."""
        return self._plan(Hold(pattern, "after"))

    def _plan(self, hold):
        with self._lock:
            self._holds.append(hold)
        return hold

    def _take(self, command):
        with self._lock:
            for hold in self._holds:
                if not hold._reached.is_set() and hold.pattern.search(command):
                    return hold
        return None

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            client.close()
            return
        expected = collections.deque()  # the hold, or None, of each command under way
        replies = threading.Thread(
            target=_passing_on, args=(server, client, lambda f: self._reply(f, expected))
        )
        replies.daemon = True
        replies.start()
        _passing_on(client, server, lambda f: self._command(f, expected))

    def _command(self, frame, expected):
        hold = self._take(frame)
        if hold and hold.when == "before":
            hold.stop_here()
            hold = None
        expected.append(hold)

    @staticmethod
    def _reply(frame, expected):
        hold = expected.popleft() if expected else None
        # An unknown script was not executed; it comes again with its text.
        if hold and not frame.startswith(b"-NOSCRIPT"):
            hold.stop_here()


def _passing_on(source, target, look):
    """Frame by frame until one side ends; then both."""
    with contextlib.suppress(OSError, EOFError):
        stream = source.makefile("rb")
        while True:
            frame = _read_frame(stream)
            look(frame)
            target.sendall(frame)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def _read_frame(stream):
    """The bytes of one RESP value."""
    line = stream.readline()
    if not line:
        raise EOFError
    if line[:1] not in (b"$", b"*"):
        return line
    size = int(line[1:])
    if line[:1] == b"$":
        return line + stream.read(size + 2) if size >= 0 else line
    return line + b"".join(_read_frame(stream) for _ in range(size))
