"""What the fake services share: a threaded HTTP server that can be told to misbehave."""

import dataclasses
import http.server
import json
import threading
import time


@dataclasses.dataclass(frozen=True)
class Answer:
    """An HTTP answer. `body` is text, bytes or something to be sent as JSON."""

    status: int = 200
    body: object = ""
    headers: tuple = ()
    delay: float = 0  # seconds before the answer; a client with a shorter time-out sees none
    cut: bool = False  # close the connection half way through the body
    accept: bool = False  # the service took the request all the same (a lost answer)

    def encoded(self):
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body).encode()


@dataclasses.dataclass(frozen=True)
class Request:
    """What a client sent."""

    at: float  # time.time()
    method: str
    path: str
    query: str
    headers: dict  # lower-case names
    raw: bytes

    @property
    def json(self):
        return json.loads(self.raw)


class FakeService:
    """An HTTP server on a free loopback port, running from construction to close()."""

    def __init__(self, host="127.0.0.1", port=0):
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60

            def _serve(self):
                path, _, query = self.path.partition("?")
                length = int(self.headers.get("Content-Length") or 0)
                request = Request(
                    at=time.time(),
                    method=self.command,
                    path=path,
                    query=query,
                    headers={name.lower(): value for name, value in self.headers.items()},
                    raw=self.rfile.read(length),
                )
                self._send(service.answer(request))

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _serve

            def _send(self, answer):
                if answer.delay and service._closing.wait(answer.delay):
                    self.close_connection = True
                    return
                body = answer.encoded()
                headers = {"Content-Type": "text/plain; charset=utf-8", **dict(answer.headers)}
                try:
                    self.send_response(answer.status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body[: len(body) // 2] if answer.cut else body)
                except OSError:
                    self.close_connection = True  # the client gave up waiting
                self.close_connection |= answer.cut

            def log_message(self, *_):
                pass

        self._closing = threading.Event()
        self._server = http.server.ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def base_url(self):
        return f"http://127.0.0.1:{self.port}"

    def close(self):
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request):
        """The Answer to a Request; called from the thread of its connection."""
        raise NotImplementedError


class Faults:
    """Answers to give instead of the proper ones, each for a number of requests."""

    def __init__(self):
        self._lock = threading.Lock()
        self._planned = []

    def plan(self, times, answer):
        with self._lock:
            self._planned += [answer] * times

    def take(self):
        """The next planned answer, or None."""
        with self._lock:
            return self._planned.pop(0) if self._planned else None


class Inbox:
    """A list that other threads append to and a test waits on."""

    def __init__(self):
        self._changed = threading.Condition()
        self._items = []

    def put(self, item):
        with self._changed:
            self._items.append(item)
            self._changed.notify_all()

    def clear(self):
        with self._changed:
            self._items.clear()

    def __len__(self):
        return len(self._items)

    def __iter__(self):
        return iter(list(self._items))

    def __getitem__(self, index):
        return self._items[index]

    def wait_for(self, count=1, timeout=30):
        """The first `count` items, as soon as there are so many."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._items) >= count, timeout):
                raise AssertionError(
                    f"{len(self._items)} of {count} arrived within {timeout} s: {self._items}"
                )
            return list(self._items)
