"""Lark/Feishu, Slack and a plain webhook, with their documented limits and error bodies.

In a test:      bot = channels.lark(secret="s"); ...; bot.messages.wait_for(1)
As a program:   python -m support.fake_channels --port 9000 --lark-secret s
                prints each message as a person would read it.
"""

import argparse
import base64
import collections
import dataclasses
import hashlib
import hmac
import json
import secrets
import signal
import sys
import threading
import time

from support.fake_http import Answer, FakeService, Faults, Inbox, Request

_JSON = (("Content-Type", "application/json; charset=utf-8"),)


@dataclasses.dataclass(frozen=True)
class Message:
    """One request to a bot and what the bot said to it."""

    request: Request
    answer: Answer
    accepted: bool

    @property
    def body(self):
        return self.request.json

    @property
    def text(self):
        """What a person would read in the chat."""
        return readable(self.body)


def lark_error(code, text):
    """A refusal as Lark words it: HTTP 200, the error in the body."""
    return Answer(200, {"code": code, "msg": text, "data": {}}, _JSON)


def slack_error(status, word, retry_after=None):
    headers = (("Retry-After", str(retry_after)),) if retry_after is not None else ()
    return Answer(status, word, headers)


class Bot:
    """One address that messages can be posted to.

    `messages` holds what was accepted, `attempts` every request with its answer.
    """

    def __init__(self, url):
        self.url = url
        self.messages = Inbox()
        self.attempts = Inbox()
        self.enforce_rate = True
        self._faults = Faults()

    def fail_next(self, times, answer):
        """The next requests get this answer, whatever they are."""
        self._faults.plan(times, answer)

    def time_out_next(self, times, delay=60, accept=False):
        """The next requests stay without an answer; `accept` takes the message all the same."""
        self.fail_next(times, dataclasses.replace(self.success(), delay=delay, accept=accept))

    def receive(self, request):
        fault = self._faults.take()
        answer = fault or self.judge(request) or self.success()
        message = Message(request, answer, accepted=fault.accept if fault else self.took(answer))
        if message.accepted:
            self.messages.put(message)
        self.attempts.put(message)
        return answer

    def judge(self, request):
        """The refusal that this request deserves, or None."""
        raise NotImplementedError

    def success(self):
        raise NotImplementedError

    def took(self, answer):
        return answer == self.success()


class LarkBot(Bot):
    """A custom bot: signature, keywords, 5 a second and 100 a minute, 20 KB."""

    MAX_BODY = 20 * 1024
    COLOURS = frozenset(
        {"blue", "wathet", "turquoise", "green", "yellow", "orange", "red", "carmine"}
        | {"violet", "purple", "indigo", "grey"}
    )

    def __init__(self, url, secret=None, keywords=()):
        super().__init__(url)
        self.secret = secret
        self.keywords = list(keywords)
        self._rate = _Rate((5, 1), (100, 60))

    def success(self):
        return Answer(
            200,
            {
                **{"code": 0, "msg": "success", "data": {}},
                **{"StatusCode": 0, "StatusMessage": "success", "Extra": None},
            },
            _JSON,
        )

    def judge(self, request):
        if request.method != "POST":
            return lark_error(9499, "Bad Request")
        if self.enforce_rate and not self._rate.admit():
            return lark_error(11232, "frequency limited psm[lark.oapi.app_platform]appID[0]")
        if len(request.raw) > 30 * 1024:
            return lark_error(19036, "message content is too large")
        if len(request.raw) > self.MAX_BODY:
            return lark_error(9499, "Bad Request: body is larger than 20 KB")
        if "application/json" not in request.headers.get("content-type", ""):
            return lark_error(9499, "Bad Request: content type is not application/json")
        try:
            body = request.json
        except ValueError:
            return lark_error(9499, "Bad Request: body is not JSON")
        if not isinstance(body, dict):
            return lark_error(9499, "Bad Request: body is not an object")
        return (
            self._judge_signature(body)
            or self._judge_content(body)
            or self._judge_keywords(request.raw.decode())
        )

    def _judge_signature(self, body):
        if self.secret is None:
            return None
        wrong = lark_error(19021, "sign match fail or timestamp is not within one hour from now")
        timestamp, sign = body.get("timestamp"), body.get("sign")
        if not isinstance(timestamp, str) or not isinstance(sign, str) or not timestamp.isdigit():
            return wrong
        if abs(time.time() - int(timestamp)) > 3600:
            return wrong
        return None if hmac.compare_digest(sign, lark_signature(timestamp, self.secret)) else wrong

    def _judge_keywords(self, text):
        # The escapes of JSON would hide a keyword.
        plain = json.dumps(json.loads(text), ensure_ascii=False)
        if self.keywords and not any(keyword in plain for keyword in self.keywords):
            return lark_error(19024, "Key Words Not Found")
        return None

    def _judge_content(self, body):
        kind = body.get("msg_type")
        if kind is None:
            return lark_error(19002, "params error, msg_type need")
        if kind == "interactive":
            return self._judge_card(body.get("card"))
        content = body.get("content")
        if not isinstance(content, dict):
            return lark_error(19002, "params error, content need")
        if kind == "text":
            text = content.get("text")
            return None if isinstance(text, str) and text else lark_error(19002, "text need")
        if kind == "post":
            return self._judge_post(content.get("post"))
        if kind in ("image", "share_chat"):
            return None
        return lark_error(19002, f"params error, msg_type {kind} is unknown")

    @staticmethod
    def _judge_post(post):
        if not isinstance(post, dict) or not post:
            return lark_error(19002, "params error, post need")
        for language in post.values():
            lines = language.get("content") if isinstance(language, dict) else None
            if not isinstance(lines, list) or not lines:
                return lark_error(19002, "params error, post content need")
            for line in lines:
                if not isinstance(line, list):
                    return lark_error(9499, "Bad Request: a post line is not a list")
                for element in line:
                    needed = {"text": "text", "a": "href", "at": "user_id", "img": "image_key"}
                    field = needed.get(element.get("tag"))
                    if field is None or not isinstance(element.get(field), str):
                        return lark_error(19002, f"params error, post element {element}")
        return None

    def _judge_card(self, card):
        refused = lark_error(230099, "Failed to create card content, ext=ErrCode: 200621")
        if not isinstance(card, dict):
            return lark_error(19002, "params error, card need")
        if card.get("schema") == "2.0":
            elements = card.get("body", {}).get("elements")
        else:
            elements = card.get("elements")
        if not isinstance(elements, list) or not elements:
            return refused
        if not all(isinstance(element, dict) and element.get("tag") for element in elements):
            return refused
        header = card.get("header")
        if header is not None:
            if not isinstance(header.get("title"), dict):
                return refused
            if header.get("template", "blue") not in self.COLOURS:
                return refused
        return None


class SlackBot(Bot):
    """An incoming webhook: texts instead of JSON, one message a second with short bursts."""

    def __init__(self, url):
        super().__init__(url)
        self._rate = _Rate((4, 1), (30, 30))

    def success(self):
        return Answer(200, "ok")

    def judge(self, request):
        if self.enforce_rate and not self._rate.admit():
            return slack_error(429, "rate_limited", retry_after=1)
        try:
            body = request.json
        except ValueError:
            body = None
        if not isinstance(body, dict):
            return slack_error(400, "invalid_payload")
        blocks = body.get("blocks") or []
        if not (body.get("text") or blocks or body.get("attachments")):
            return slack_error(400, "no_text")
        if len(body.get("text", "")) > 40000:
            return slack_error(400, "msg_too_long")
        if len(blocks) > 50 or not all(map(self._block_fits, blocks)):
            return slack_error(400, "invalid_blocks")
        if len(body.get("attachments") or []) > 100:
            return slack_error(400, "too_many_attachments")
        return None

    @staticmethod
    def _block_fits(block):
        text = (block.get("text") or {}).get("text", "") if isinstance(block, dict) else ""
        limit = {"header": 150, "section": 3000}.get(block.get("type"))
        return bool(block.get("type")) and (limit is None or 0 < len(text) <= limit)


class Webhook(Bot):
    """A plain receiver: any JSON; with a secret it checks `X-Signature: sha256=…`."""

    def __init__(self, url, secret=None):
        super().__init__(url)
        self.secret = secret

    def success(self):
        return Answer(204)

    def judge(self, request):
        if "application/json" not in request.headers.get("content-type", ""):
            return Answer(415, {"error": "application/json expected"}, _JSON)
        try:
            _ = request.json
        except ValueError:
            return Answer(400, {"error": "body is not JSON"}, _JSON)
        if self.secret is not None:
            expected = hmac.new(self.secret.encode(), request.raw, hashlib.sha256).hexdigest()
            if request.headers.get("x-signature") != f"sha256={expected}":
                return Answer(401, {"error": "signature mismatch"}, _JSON)
        return None


class FakeChannels(FakeService):
    """All kinds of bots behind one port."""

    def __init__(self, host="127.0.0.1", port=0):
        super().__init__(host, port)
        self._bots = {}

    def lark(self, secret=None, keywords=(), token=None):
        path = f"/open-apis/bot/v2/hook/{token or secrets.token_hex(8)}"
        return self._add(path, LarkBot(self.base_url + path, secret, keywords))

    def slack(self, token=None):
        path = f"/services/T000/B000/{token or secrets.token_hex(8)}"
        return self._add(path, SlackBot(self.base_url + path))

    def webhook(self, secret=None, token=None):
        path = f"/hook/{token or secrets.token_hex(8)}"
        return self._add(path, Webhook(self.base_url + path, secret))

    def _add(self, path, bot):
        self._bots[path] = bot
        return bot

    def answer(self, request):
        bot = self._bots.get(request.path)
        if bot:
            return bot.receive(request)
        if request.path.startswith("/open-apis/"):
            return lark_error(19001, "param invalid: incoming webhook access token invalid")
        if request.path.startswith("/services/"):
            return slack_error(404, "no_service")
        if request.path == "/health":
            return Answer(200, "ok")
        return Answer(404, "not found")


class _Rate:
    """At most so many messages in any such number of seconds, for each of the limits."""

    def __init__(self, *limits):
        self._limits = limits
        self._lock = threading.Lock()
        self._admitted = collections.deque(maxlen=max(count for count, _ in limits))

    def admit(self):
        with self._lock:
            now = time.monotonic()
            for count, seconds in self._limits:
                if sum(now - at < seconds for at in self._admitted) >= count:
                    return False
            self._admitted.append(now)
            return True


def lark_signature(timestamp, secret):
    """Lark's signature: the string to sign is the key, the message is empty."""
    key = f"{timestamp}\n{secret}".encode()
    return base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()


def readable(body):
    """The text of a message of any of the three kinds, without its wrapping."""
    if not isinstance(body, dict):
        return json.dumps(body, ensure_ascii=False)
    kind = body.get("msg_type")
    if kind == "text":
        return body["content"]["text"]
    if kind == "post":
        return "\n".join(_post_lines(body["content"]["post"]))
    if kind == "interactive":
        return "\n".join(_card_lines(body["card"]))
    if "blocks" in body or isinstance(body.get("text"), str):
        blocks = [(block.get("text") or {}).get("text", "") for block in body.get("blocks", [])]
        return "\n".join(filter(None, blocks)) or body.get("text", "")
    return json.dumps(body, indent=2, ensure_ascii=False)


def _post_lines(post):
    for language in post.values():
        if language.get("title"):
            yield language["title"]
        for line in language["content"]:
            yield "".join(
                element.get("text") or element.get("href") or f"@{element.get('user_id', '')}"
                for element in line
            )


def _card_lines(card):
    title = (card.get("header") or {}).get("title") or {}
    if title.get("content"):
        yield title["content"]
    for element in card.get("elements") or card.get("body", {}).get("elements", []):
        text = element.get("text", {}).get("content") or element.get("content")
        if text:
            yield text


class _Printer(FakeChannels):
    """Prints what the bots took and what they refused."""

    def answer(self, request):
        answer = super().answer(request)
        if request.method == "POST":
            self._show(request, answer)
        return answer

    def _show(self, request, answer):
        bot = self._bots.get(request.path)
        verdict = "accepted" if bot and bot.took(answer) else "REFUSED"
        service = type(bot).__name__.removesuffix("Bot") if bot else "nobody"
        try:
            text = readable(request.json)
        except (ValueError, LookupError, AttributeError, TypeError):
            text = request.raw.decode(errors="replace")
        clock = time.strftime("%H:%M:%S", time.localtime(request.at))
        lines = [f"── {clock} · {service} · {len(request.raw)} bytes · {verdict} ──", text]
        if verdict == "REFUSED":
            lines.append(f"answer: {answer.status} {answer.encoded().decode()}")
        print("\n".join(lines) + "\n", flush=True)


def main():
    parser = argparse.ArgumentParser(description="Plays Lark, Slack and a plain webhook.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--lark-secret", help="the bot at …/hook/demo checks signatures with it")
    options = parser.parse_args()
    with _Printer(options.host, options.port) as receiver:
        print("Waiting for messages at")
        for bot in (
            receiver.lark(options.lark_secret, token="demo"),
            receiver.slack(token="demo"),
            receiver.webhook(token="demo"),
        ):
            print(f"  {bot.url}")
        print(flush=True)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        try:
            signal.pause()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
