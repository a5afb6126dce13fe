"""Headless Chromium, driven by WebDriver (https://www.w3.org/TR/webdriver2/)."""

import base64
import contextlib
import os
import shutil
import tempfile
import time

import requests

from support.ports import free_port
from support.process import Process

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the standard's name of a reference to one

_FLAGS = [
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--force-prefers-reduced-motion",  # nothing fades, so what is shown can be clicked
    "--window-size=1400,1100",
]


class Browser:
    """One window; runs inside `with`. Elements are named by CSS selectors."""

    def __init__(self, folder):
        self.port = free_port()
        self.log_path = folder / "chromedriver.log"

    def __enter__(self):
        program = shutil.which("chromedriver")
        assert program, "chromedriver is missing; run scripts/install-dependencies --deploy"
        self._profile = tempfile.mkdtemp(prefix="browser-")
        command = [program, f"--port={self.port}"]
        self._driver = Process("chromedriver", command, self.log_path)
        try:
            self._driver.wait_until(self._ready, "session possible")
            self._start_session()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *exception):
        with contextlib.suppress(AssertionError, requests.RequestException):
            self._call("DELETE", "")
        self._end()

    def open(self, url):
        """Returns once the page has loaded."""
        self._call("POST", "/url", {"url": url})

    def reload(self):
        self._call("POST", "/refresh", {})

    def script(self, body, *arguments):
        return self._call("POST", "/execute/sync", {"script": body, "args": list(arguments)})

    def text(self, selector):
        """The text that a reader sees, of all the elements together."""
        return self.script(
            "return Array.from(document.querySelectorAll(arguments[0]))"
            ".map(element => element.innerText).join('\\n')",
            selector,
        )

    def rows(self, selector):
        """The cells of a table's rows, as text."""
        return self.script(
            "return Array.from(document.querySelectorAll(arguments[0] + ' tbody tr'))"
            ".map(row => Array.from(row.cells).map(cell => cell.innerText.trim()))",
            selector,
        )

    def click(self, selector):
        element = self._find(selector)
        # Away from the edges, where bars that stay in place would be hit instead.
        self.script("arguments[0].scrollIntoView({block: 'center'})", {_ELEMENT: element})
        self._call("POST", f"/element/{element}/click", {})

    def type(self, selector, text):
        element = self._find(selector)
        self._call("POST", f"/element/{element}/clear", {})
        self._call("POST", f"/element/{element}/value", {"text": text})

    def wait_for(self, condition, what, reload=False):
        """Until the condition holds, or a minute has passed; `reload` loads the page between."""
        deadline = time.monotonic() + 60
        while not (result := condition()):
            assert time.monotonic() < deadline, f"no {what}; the page shows:\n{self.text('body')}"
            time.sleep(0.05)
            if reload:
                self.reload()
        return result

    def screenshot(self, path):
        path.write_bytes(base64.b64decode(self._call("GET", "/screenshot")))

    def _ready(self):
        with contextlib.suppress(requests.RequestException):
            answer = requests.get(f"http://127.0.0.1:{self.port}/status", timeout=10).json()
            return answer["value"]["ready"]
        return False

    def _start_session(self):
        flags = [*_FLAGS, f"--user-data-dir={self._profile}"]
        if os.getuid() == 0:
            flags.append("--no-sandbox")  # Chromium's sandbox refuses root
        options = {"args": flags, "binary": shutil.which("chromium")}
        capabilities = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}
        self._session = ""
        started = self._call("POST", "", {"capabilities": capabilities})
        self._session = "/" + started["sessionId"]

    def _end(self):
        self._driver.kill()
        shutil.rmtree(self._profile, ignore_errors=True)

    def _find(self, selector):
        search = {"using": "css selector", "value": selector}
        return self._call("POST", "/element", search)[_ELEMENT]

    def _call(self, method, path, body=None):
        url = f"http://127.0.0.1:{self.port}/session{self._session}{path}"
        value = requests.request(method, url, json=body, timeout=120).json()["value"]
        if isinstance(value, dict) and "error" in value:
            raise AssertionError(f"{method} {path} {body}: {value['message']}")
        return value
