"""The fakes enforce what the real services document; otherwise tests against them prove nothing."""

import json
import time

import pytest
import requests

from support.fake_channels import lark_error, lark_signature, slack_error
from support.fake_http import Answer
from support.fake_influxdb import FakeInfluxDB2, FakeInfluxDB3, Table, flux_late_error

TEXT = {"msg_type": "text", "content": {"text": "[mon] disk a: 91.5 %"}}


def post(bot, body):
    return requests.post(bot.url, json=body, timeout=10)


def test_the_signature_is_the_documented_one():
    assert lark_signature("1700000000", "demo-secret") == (
        "mYHw2R2SOm8Rw/sne3lQdmz4sOfntKR+1P/8RKKTwmA="
    )
    assert lark_signature("1599360473", "demo") == "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8="


def test_lark_accepts_a_signed_message_and_refuses_others(channels):
    bot = channels.lark(secret="s")
    now = str(int(time.time()))
    assert post(bot, TEXT).json()["code"] == 19021
    assert post(bot, {**TEXT, "timestamp": now, "sign": "x"}).json()["code"] == 19021
    old = str(int(now) - 3700)
    stale = {**TEXT, "timestamp": old, "sign": lark_signature(old, "s")}
    assert post(bot, stale).json()["code"] == 19021
    good = {**TEXT, "timestamp": now, "sign": lark_signature(now, "s")}
    assert post(bot, good).json()["StatusMessage"] == "success"
    assert [message.text for message in bot.messages] == ["[mon] disk a: 91.5 %"]
    assert len(bot.attempts) == 4


def test_lark_allows_five_messages_a_second(channels):
    bot = channels.lark()
    codes = [post(bot, TEXT).json()["code"] for _ in range(7)]
    assert codes == [0, 0, 0, 0, 0, 11232, 11232]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"text": "slack's"}, 19002),
        ({"msg_type": "text", "content": {}}, 19002),
        ({"msg_type": "text", "content": {"text": "x" * 20480}}, 9499),
        ({"msg_type": "text", "content": {"text": "x" * 31000}}, 19036),
        ({"msg_type": "post", "content": {"post": {"en_us": {"content": ["flat"]}}}}, 9499),
        ({"msg_type": "interactive", "card": {"elements": []}}, 230099),
        (
            {
                "msg_type": "interactive",
                "card": {
                    "header": {"template": "#f00", "title": {"tag": "plain_text", "content": "t"}},
                    "elements": [{"tag": "hr"}],
                },
            },
            230099,
        ),
        (["list"], 9499),
    ],
)
def test_lark_refuses_what_it_cannot_show(channels, body, code):
    bot = channels.lark()
    answer = post(bot, body)
    assert (answer.status_code, answer.json()["code"]) == (200, code)
    assert len(bot.messages) == 0


def test_lark_wants_its_keyword(channels):
    bot = channels.lark(keywords=["[prod]"])
    assert post(bot, TEXT).json()["code"] == 19024


def test_lark_knows_its_tokens(channels):
    url = f"{channels.base_url}/open-apis/bot/v2/hook/nobody"
    assert requests.post(url, json=TEXT, timeout=10).json()["code"] == 19001


def test_planned_failures_come_first_and_are_not_messages(channels):
    bot = channels.lark()
    bot.fail_next(1, Answer(502, "bad gateway"))
    bot.fail_next(1, lark_error(11232, "frequency limited"))
    assert post(bot, TEXT).status_code == 502
    assert post(bot, TEXT).json()["code"] == 11232
    assert post(bot, TEXT).json()["code"] == 0
    assert len(bot.messages) == 1


def test_a_timed_out_message_may_have_arrived(channels):
    bot = channels.lark()
    bot.time_out_next(1, accept=True)
    with pytest.raises(requests.Timeout):
        requests.post(bot.url, json=TEXT, timeout=0.2)
    assert len(bot.messages.wait_for(1)) == 1


def test_slack_speaks_text(channels):
    bot = channels.slack()
    bot.enforce_rate = False
    assert post(bot, {"text": "disk"}).text == "ok"
    assert (post(bot, {}).status_code, post(bot, {}).text) == (400, "no_text")
    long = {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]}
    assert post(bot, long).text == "invalid_blocks"
    bot.fail_next(1, slack_error(410, "channel_is_archived"))
    assert post(bot, {"text": "disk"}).status_code == 410


def test_slack_limits_the_rate_and_says_how_long(channels):
    bot = channels.slack()
    answers = [post(bot, {"text": "disk"}) for _ in range(6)]
    assert answers[-1].status_code == 429
    assert answers[-1].headers["Retry-After"] == "1"


def test_a_webhook_takes_json_only(channels):
    hook = channels.webhook()
    assert post(hook, {"any": 1}).status_code == 204
    assert requests.post(hook.url, data="x", timeout=10).status_code == 415


FLUX = {"query": "from()", "dialect": {"annotations": ["datatype", "group", "default"]}}


def ask_flux(server, **changes):
    headers = {"Authorization": f"Token {changes.get('token', server.token)}"}
    url = f"{server.base_url}/api/v2/query?org={changes.get('org', server.org)}"
    return requests.post(url, json=FLUX, headers=headers, timeout=10)


def test_influxdb2_answers_annotated_csv():
    with FakeInfluxDB2() as server:
        columns = (("_value", "double", False), ("host", "string", True))
        tables = [Table(columns, ((91.5, "a"),)), Table(columns, ((None, "b"),))]
        server.on("from()", tables)
        assert ask_flux(server).text == (
            "#datatype,string,long,double,string\r\n"
            "#group,false,false,false,true\r\n"
            "#default,_result,,,\r\n"
            ",result,table,_value,host\r\n"
            ",,0,91.5,a\r\n"
            ",,1,,b\r\n"
            "\r\n"
        )
        server.on("from()", [])
        assert ask_flux(server).text == "\r\n"
        server.on("from()", flux_late_error(tables, "out of memory"))
        late = ask_flux(server)
        assert late.status_code == 200
        assert late.text.endswith(",error,reference\r\n,out of memory,\r\n")


def test_influxdb2_refuses_bad_credentials_and_queries():
    with FakeInfluxDB2() as server:
        assert ask_flux(server, token="x").status_code == 401
        assert ask_flux(server, org="x").status_code == 404
        assert ask_flux(server).json()["code"] == "invalid"


def test_influxdb3_answers_rows_without_nulls():
    with FakeInfluxDB3() as server:
        server.on("SELECT", [{"host": "a", "v": None}, {"host": "b", "v": 2}])

        def ask(**fields):
            headers = {"Authorization": f"Bearer {server.token}"}
            url = f"{server.base_url}/api/v3/query_sql"
            body = {"db": "mon", "q": "SELECT 1", **fields}
            return requests.post(url, json=body, headers=headers, timeout=10)

        assert ask().json() == [{"host": "a"}, {"host": "b", "v": 2}]
        lines = ask(format="jsonl").text.splitlines()
        assert [json.loads(line) for line in lines] == [{"host": "a"}, {"host": "b", "v": 2}]
        assert ask(db="other").status_code == 404
        server.fail_next(1, Answer(500, {"error": "execution"}))
        assert ask().status_code == 500
        server.fail_next(1, Answer(200, [{"host": "a"}], cut=True))
        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            ask()
