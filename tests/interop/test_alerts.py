"""The alert pipeline: stock Celery and beat on one side, InfluxDB and a Lark bot on the other."""

import json
import os
import subprocess
import sys

import pytest
from celery import chain

from support.celeriac import CELERIAC, ROOT, environment
from support.fake_channels import lark_error
from support.fake_http import Answer
from support.fake_influxdb import FakeInfluxDB2, FakeInfluxDB3, Table, flux_late_error
from support.process import Process

RESULT_TIMEOUT = 60

CPU = "SELECT last(usage) AS usage FROM cpu WHERE time > now() - 1d GROUP BY host"


class Pipeline:
    """A configuration with one InfluxDB and one Lark bot, and the worker that runs it."""

    def __init__(self, app, start, influxdb, database, bot, redis_url):
        self.app, self._start = app, start
        self.influxdb, self.database, self.bot = influxdb, database, bot
        self.config = {
            "sources": {
                "mon": {"kind": "influxdb1", "url": influxdb.url, "database": database},
            },
            "channels": {
                "ops": {"kind": "lark", "url": bot.url, "secret": bot.secret, "format": "text"},
            },
            "redis": redis_url,
            "defaults": {"channels": "ops", "retry_backoff": "100ms", "key": "{host}:{name}"},
            "rules": {"cpu": self.rule(query=CPU)},
        }

    @staticmethod
    def rule(source="mon", query=CPU, value="usage", **more):
        expect = {"compare": {"value": value, "op": "<", "than": 90}}
        return {"source": source, "query": query, "expect": expect, **more}

    def start(self, *arguments, env=None):
        self.worker = self._start("-c", 8, "-l", "INFO", *arguments, config=self.config, env=env)
        return self.worker

    def write(self, **usage_of_host):
        lines = [f"cpu,host={host} usage={usage}" for host, usage in usage_of_host.items()]
        self.influxdb.write(self.database, *lines)

    def send(self, task, *arguments, **options):
        return self.app.send_task(task, arguments, **options)

    def fetch(self, rule="cpu"):
        """Runs one rule to its end: the results of the three steps, as far as they were needed."""
        return self.follow(self.send("tasks.fetch", rule))

    def follow(self, result):
        results = [result.get(timeout=RESULT_TIMEOUT)]
        while "next" in (results[-1] or {}):
            following = self.app.AsyncResult(results[-1]["next"])
            results.append(following.get(timeout=RESULT_TIMEOUT))
        return results

    def failure(self, result):
        """The type and text with which a task finally failed."""
        with pytest.raises(Exception) as caught:
            self.follow(result)
        return type(caught.value).__name__, str(caught.value)

    @property
    def texts(self):
        return [message.text for message in self.bot.messages]


@pytest.fixture
def pipeline(app, celeriac, influxdb, influx_database, channels, redis_url):
    bot = channels.lark(secret="lark-secret")
    return Pipeline(app, celeriac, influxdb, influx_database, bot, redis_url)


def test_a_chain_from_python(pipeline):
    pipeline.write(a=95.5, b=10)
    pipeline.start()
    steps = ("tasks.fetch", "tasks.cache", "tasks.sendalert")
    fetch, cache, sendalert = (pipeline.app.signature(name) for name in steps)
    result = chain(fetch.clone(("cpu",)), cache, sendalert)()

    assert result.get(timeout=RESULT_TIMEOUT) == {"sent": {"ops": 1}}
    assert result.parent.parent.get()["rows"][0]["labels"] == {"host": "a"}
    assert pipeline.texts == ["[warning] cpu: a:cpu\na:cpu: usage is 95.5, expected < 90"]


def test_a_chain_made_of_the_tasks_of_python_beat(pipeline, broker_url, redis_url):
    pipeline.write(a=95.5)
    pipeline.start()
    code = (
        "from celery import chain; from beat import cache, fetch, sendalert;"
        "print(chain(fetch.s('cpu'), cache.s(), sendalert.s())().get(timeout=60))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "CELERY_BROKER_URL": broker_url, "CELERY_RESULT_BACKEND": redis_url},
        cwd=ROOT / "python_beat",
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout == "{'sent': {'ops': 1}}\n", done.stderr
    assert len(pipeline.texts) == 1


def test_a_fetch_alone_publishes_the_rest_and_an_alarm_is_told_once(pipeline):
    pipeline.write(a=95, b=96, c=10)
    pipeline.start()
    fetched, cached, sent = pipeline.fetch()
    assert (fetched["rows"], cached["alarms"], sent) == (3, 2, {"sent": {"ops": 2}})

    pipeline.write(d=97)
    fetched, cached, sent = pipeline.fetch()
    assert (cached["alarms"], cached["suppressed"]) == (1, 2)
    assert len(pipeline.texts) == 2
    assert "d:cpu" in pipeline.texts[1]
    assert "a:cpu" not in pipeline.texts[1]


def test_an_alarm_is_told_again_when_the_time_of_its_rule_is_over(pipeline):
    pipeline.config["rules"]["cpu"]["dedupe_for"] = "1s"
    pipeline.write(a=95)
    worker = pipeline.start()
    noted, redis = "celeriac:alert:cpu:ops:a:cpu", pipeline.app.backend.client
    for times in (1, 2):
        assert pipeline.fetch()[-1] == {"sent": {"ops": 1}}
        assert len(pipeline.texts) == times
        worker.wait_until(lambda: not redis.exists(noted), "end of dedupe_for", 30)


def test_where_all_is_well_nothing_follows(pipeline):
    pipeline.write(a=5)
    pipeline.start()
    assert pipeline.fetch() == [{"rule": "cpu", "rows": 1}]
    assert pipeline.texts == []


def test_beat_fires_fetch(pipeline, broker_url, tmp_path):
    pipeline.config["rules"]["cpu"]["every"] = "1s"
    pipeline.config["rules"]["cpu"]["queue"] = "alerts"
    pipeline.write(a=95)
    pipeline.start("-Q", "alerts")
    rules = tmp_path / "alerts.yaml"
    rules.write_text(json.dumps(pipeline.config))
    beat = Process(
        "beat",
        [sys.executable, "-m", "celery", "-A", "beat", "beat", "-s", tmp_path / "schedule"],
        tmp_path / "beat.log",
        env={**os.environ, "CELERY_BROKER_URL": broker_url, "ALERTS_CONFIG": str(rules)},
        cwd=ROOT / "python_beat",
    )
    pipeline.bot.messages.wait_for(1, timeout=60)
    pipeline.worker.wait_for_log(r"tasks\.fetch.*succeeded", timeout=60, count=3)
    beat.terminate()
    assert len(pipeline.texts) == 1


# Somebody's own beat, which knows nothing of us. It was fired last when `last_run_at` says.
EXISTING_BEAT = """\
import datetime
import celery
app = celery.Celery("plant")
long_ago = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=400)
app.conf.beat_schedule = {
    "main": {"task": "MAINTASK", "schedule": 400.0, "last_run_at": long_ago}
}
"""


class ExistingBeat:
    def __init__(self, folder, broker_url):
        self.folder, self.runs = folder, 0
        self.environment = {**os.environ, "CELERY_BROKER_URL": broker_url}
        (folder / "plant.py").write_text(EXISTING_BEAT)

    def fire(self):
        """Sends MAINTASK to the default queue, without arguments, as every 400 seconds."""
        self.runs += 1
        command = [sys.executable, "-m", "celery", "-A", "plant", "beat", "-l", "debug", "-s"]
        beat = Process(
            "beat",
            [*command, self.folder / f"schedule-{self.runs}"],
            self.folder / f"beat-{self.runs}.log",
            env=self.environment,
            cwd=self.folder,
        )
        beat.wait_for_log(r"MAINTASK sent\. id->", timeout=60)
        beat.terminate()


def test_maintask_of_an_existing_beat_sends_one_message_grouped_by_region(
    broker_url, celeriac, influxdb, channels, redis_server, redis_url, tmp_path
):
    """The example file as it is, served without a change on the Python side."""
    for database in ("climate", "power"):
        influxdb.create_database(database)
    temperatures = {"north-01": 31.5, "south-02": 33.25, "north-02": 20}
    influxdb.write(
        "climate",
        *(f"temperature,host=s-{b},building={b} celsius={t}" for b, t in temperatures.items()),
    )
    influxdb.write("power", "supply,host=u1,building=south-01 mains=false")
    bot = channels.lark(secret="lark-secret")
    worker = celeriac(
        "-l",
        "INFO",
        config=(ROOT / "tasks/alerts/examples/maintask.yaml").read_text(),
        env={
            "INFLUX_URL": influxdb.url,
            "LARK_WEBHOOK_URL": bot.url,
            "LARK_SECRET": bot.secret,
            "CELERIAC_ALERTS_REDIS": redis_url,
        },
    )
    beat = ExistingBeat(tmp_path, broker_url)
    beat.fire()
    bot.messages.wait_for(1, timeout=60)
    worker.wait_for_log("MAINTASK: 3 alarms to tell, 0 told before")
    worker.wait_for_log(r"tasks\.sendalert\[.*succeeded")
    assert bot.messages[0].body["msg_type"] == "post"
    assert bot.messages[0].text.splitlines() == [
        "[mon] 3 alarms",
        "north",
        "north-01 s-north-01: 31.5 °C",
        "south",
        "south-01 u1 runs on its battery",
        "south-02 s-south-02: 33.2 °C",
    ]

    database = redis_url.rsplit("/", 1)[1]
    told = "celeriac:alert:too-warm:ops:s-south-02:temperature"
    keys = redis_server.command("KEYS", "celeriac:alert:*", database=database)
    assert sorted(keys) == [
        "celeriac:alert:on-battery:ops:u1:supply",
        "celeriac:alert:too-warm:ops:s-north-01:temperature",
        told,
    ]
    left = [redis_server.command("PTTL", key, database=database) for key in keys]
    assert all(20 * 60_000 < each <= 30 * 60_000 for each in left)

    beat.fire()
    worker.wait_for_log("MAINTASK: 0 alarms to tell, 3 told before")
    redis_server.command("DEL", told, database=database)  # its 30 minutes are over
    beat.fire()
    worker.wait_for_log("MAINTASK: 1 alarms to tell, 2 told before")
    bot.messages.wait_for(2)
    assert bot.messages[1].text.splitlines() == [
        "[mon] 1 alarms",
        "south",
        "south-02 s-south-02: 33.2 °C",
    ]
    assert len(bot.attempts) == 2
    for database in ("climate", "power"):
        influxdb.drop_database(database)


def test_influxdb_2_and_3_and_every_channel(pipeline, channels):
    slack, hook = channels.slack(), channels.webhook(secret="hook-secret")
    host = (("host", "string", True), ("_value", "double", False))
    with FakeInfluxDB2() as two, FakeInfluxDB3() as three:
        two.on("flux", [Table(host, (("f", 95.0),)), Table(host, (("g", 1.0),))])
        three.on("SELECT", [{"time": "2026-01-02T03:04:05", "host": "s", "v": 96}, {"host": "n"}])
        sources = pipeline.config["sources"]
        sources["two"] = {
            **{"kind": "influxdb2", "url": two.base_url},
            **{"org": two.org, "token": two.token},
        }
        sources["three"] = {
            **{"kind": "influxdb3", "url": three.base_url},
            **{"database": three.database, "token": three.token},
        }
        pipeline.config["channels"]["chat"] = {"kind": "slack", "url": slack.url}
        pipeline.config["channels"]["hook"] = {
            **{"kind": "webhook", "url": hook.url},
            "secret": hook.secret,
        }
        everyone = ["ops", "chat", "hook"]
        pipeline.config["rules"] = {
            "flux": pipeline.rule("two", "flux", "_value", channels=everyone),
            "sql": pipeline.rule("three", "SELECT 1", "v", channels=everyone),
        }
        pipeline.start()
        for rule, key in (("flux", "f:flux"), ("sql", "s:sql")):
            *_, sent = pipeline.fetch(rule)
            assert sent == {"sent": {"ops": 1, "chat": 1, "hook": 1}}
            for bot in (pipeline.bot, slack, hook):
                assert key in bot.messages[-1].text, bot
        assert hook.messages[0].body["alerts"][0]["labels"]["alertname"] == "flux"
        assert hook.messages[0].request.headers["idempotency-key"]


def test_a_flood_becomes_one_message_within_the_limits_of_the_channel(pipeline):
    pipeline.influxdb.write(
        pipeline.database, *(f"cpu,host=host-号-{i:04} usage=99" for i in range(3000))
    )
    pipeline.config["rules"]["cpu"]["max_rows"] = 5000
    pipeline.start()
    fetched, cached, _ = pipeline.fetch()
    assert (fetched["rows"], cached["alarms"]) == (3000, 3000)
    assert [attempt.accepted for attempt in pipeline.bot.attempts] == [True]
    assert "more" in pipeline.texts[0].splitlines()[-1]


def test_a_burst_of_messages_never_meets_the_bots_rate_limit(pipeline):
    # Far enough below the bot's 5 a second that a busy machine cannot push them together.
    pipeline.config["channels"]["ops"]["rate"] = {"per_second": 2}
    pipeline.start()
    results = [pipeline.send("tasks.sendalert", "cpu", [{"key": f"k{i}"}]) for i in range(12)]
    for result in results:
        assert result.get(timeout=RESULT_TIMEOUT) == {"sent": {"ops": 1}}
    assert [attempt.accepted for attempt in pipeline.bot.attempts] == [True] * 12


def test_rows_of_ones_own(pipeline):
    pipeline.start()
    rows = [{"host": "mine", "usage": 99}, {"host": "yours", "usage": 1}]
    *_, sent = pipeline.follow(pipeline.send("tasks.cache", "cpu", rows))
    assert sent == {"sent": {"ops": 1}}
    assert "mine:cpu" in pipeline.texts[0]


class TestSourceInTrouble:
    """Retried with back-off while it may pass; else a failure that says what to do."""

    @pytest.fixture
    def two(self, pipeline):
        with FakeInfluxDB2() as service:
            columns = (("host", "string", True), ("_value", "double", False))
            service.on("flux", [Table(columns, (("f", 95.0),))])
            pipeline.config["sources"]["two"] = {
                **{"kind": "influxdb2", "url": service.base_url},
                **{"org": service.org, "token": service.token},
            }
            pipeline.config["rules"]["flux"] = pipeline.rule(
                "two", "flux", "_value", timeout="1s", max_retries=2
            )
            pipeline.start()
            yield service

    @pytest.mark.parametrize(
        "trouble",
        [
            Answer(503, "busy"),
            Answer(200, "", delay=60),
            Answer(200, "#datatype,string,long\r\n,result,table,v\r\n,,0\r\n"),
            Answer(200, '#datatype,string,long,string\r\n,result,table,host\r\n,,0,"f'),
            Answer(200, "#datatype,string,long,string\r\n,result,table", cut=True),
            Answer(429, "", (("Retry-After", "1"),)),
        ],
        ids=["503", "slow", "malformed", "open quote", "cut", "429"],
    )
    def test_what_may_pass_is_asked_again(self, pipeline, two, trouble):
        two.fail_next(2, trouble)
        *_, sent = pipeline.fetch("flux")
        assert sent == {"sent": {"ops": 1}}
        assert len(two.queries) == 3

    def test_after_its_retries_it_fails_with_the_source_and_the_remedy(self, pipeline, two):
        two.fail_next(3, Answer(503, "busy"))
        kind, text = pipeline.failure(pipeline.send("tasks.fetch", "flux"))
        assert kind == "SourceError"
        assert text == (
            "rule 'flux': source 'two': InfluxDB answered HTTP 503, \"busy\"; "
            "see what InfluxDB logs; given up after 3 tries"
        )
        assert len(two.queries) == 3

    def test_an_unauthorized_query_fails_at_once(self, pipeline, two):
        two.token = "another"
        _, text = pipeline.failure(pipeline.send("tasks.fetch", "flux"))
        assert "HTTP 401" in text
        assert "check the source's user, password or token" in text
        assert "flux-token" not in text + pipeline.worker.log

    def test_an_error_table_behind_rows_fails_the_query(self, pipeline, two):
        columns = (("host", "string", True), ("_value", "double", False))
        two.on("flux", flux_late_error([Table(columns, (("f", 95.0),))], "no such bucket"))
        _, text = pipeline.failure(pipeline.send("tasks.fetch", "flux"))
        assert "no such bucket" in text
        assert pipeline.texts == []

    def test_an_influxdb_that_is_down(self, pipeline, two):
        two.close()
        _, text = pipeline.failure(pipeline.send("tasks.fetch", "flux"))
        assert "check that InfluxDB runs there" in text
        two.close = lambda: None

    def test_an_unknown_database_of_the_real_one(self, pipeline):
        pipeline.config["sources"]["mon"]["database"] = "nowhere"
        pipeline.start()
        kind, text = pipeline.failure(pipeline.send("tasks.fetch", "cpu"))
        assert kind == "SourceError"
        assert "database not found: nowhere" in text

    def test_a_rule_that_nobody_knows(self, pipeline):
        pipeline.start()
        kind, text = pipeline.failure(pipeline.send("tasks.fetch", "cpuu"))
        assert kind == "RuleError"
        assert "did you mean 'cpu'?" in text


class TestChannelInTrouble:
    """A no is not a yes: the alarm stays untold until the channel has taken it."""

    @pytest.fixture(autouse=True)
    def one_alarm(self, pipeline):
        pipeline.write(a=95)
        pipeline.config["channels"]["ops"]["timeout"] = "1s"
        pipeline.config["rules"]["cpu"]["max_retries"] = 2
        pipeline.start()

    @pytest.mark.parametrize(
        "trouble",
        [
            Answer(500, "oops"),
            Answer(200, "ok"),
            Answer(429, "", (("x-ogw-ratelimit-reset", "1"),)),
            lark_error(11232, "frequency limited"),
            Answer(200, "", delay=60),
        ],
        ids=["500", "no code", "429", "rate", "slow"],
    )
    def test_what_may_pass_is_sent_again(self, pipeline, trouble):
        pipeline.bot.fail_next(2, trouble)
        *_, sent = pipeline.fetch()
        assert sent == {"sent": {"ops": 1}}
        assert len(pipeline.bot.attempts) == 3
        assert len(pipeline.bot.messages) == 1

    def test_after_its_retries_the_next_run_finds_the_alarm_again(self, pipeline):
        pipeline.bot.fail_next(3, Answer(500, "oops"))
        kind, text = pipeline.failure(pipeline.send("tasks.fetch", "cpu"))
        assert kind == "ChannelError"
        assert "given up after 3 tries" in text
        assert "check that the channel answers at its `url`" in text
        *_, sent = pipeline.fetch()
        assert sent == {"sent": {"ops": 1}}

    def test_a_refusal_inside_a_success_fails_at_once_and_is_not_marked_as_told(self, pipeline):
        pipeline.bot.fail_next(1, lark_error(19024, "Key Words Not Found"))
        kind, text = pipeline.failure(pipeline.send("tasks.fetch", "cpu"))
        assert kind == "ChannelError"
        assert "put one of the bot's keywords into `template.title`" in text
        *_, sent = pipeline.fetch()
        assert sent == {"sent": {"ops": 1}}

    def test_no_secret_is_in_the_log(self, pipeline):
        pipeline.bot.fail_next(2, Answer(500, "oops"))
        pipeline.fetch()
        token = pipeline.bot.url.rsplit("/", 1)[1]
        assert token not in pipeline.worker.log
        assert "lark-secret" not in pipeline.worker.log


def check(text, tmp_path, env=None):
    path = tmp_path / "alerts.yaml"
    path.write_text(text)
    return subprocess.run(
        [CELERIAC, "check", path], env=environment(env or {}), capture_output=True, text=True
    )


BROKEN = """\
sources:
  mon: { kind: influxdb1, url: "http://127.0.0.1:8086", database: mon }
channels:
  ops: { kind: lark, url: "http://127.0.0.1/hook" }
rules:
  cpu: { source: mom, query: SELECT 1, chanels: [ops], expect: { compare: { value: v } } }
"""


def test_check_tells_every_mistake_with_its_place_and_a_remedy(tmp_path):
    done = check(BROKEN, tmp_path)
    assert done.returncode != 0
    output = done.stdout + done.stderr
    for place, words in {
        "alerts.yaml:6:18": "did you mean 'mon'?",
        "alerts.yaml:6:40": "did you mean 'channels'?",
        "alerts.yaml:6:75": "has no 'op'; add it",
    }.items():
        line = next(line for line in output.splitlines() if place in line)
        assert words in line


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis://:hush@127.0.0.1/two", "the database must be a number"),
        ("redis://:hush@127.0.0.1:99999/1", "port"),
        ("127.0.0.1:6379", "redis"),
    ],
)
def test_check_knows_an_address_of_redis_that_is_none(tmp_path, url, words):
    done = check(f'redis: "{url}"\n', tmp_path)
    assert done.returncode == 1
    assert "alerts.yaml:1:8: " in done.stdout
    assert words in done.stdout
    assert "hush" not in done.stdout


def test_a_worker_refuses_to_start_without_a_variable(celeriac):
    rules = 'channels: { ops: { kind: lark, url: "${NOT_SET}" } }\n'
    worker = celeriac(config=rules, ready=None)
    worker.expected_exit = worker.wait(60)
    assert worker.expected_exit not in (0, None)
    assert ".yaml:1:37: the environment variable 'NOT_SET' is not set" in worker.log


def test_a_worker_refuses_a_broken_file_at_start(celeriac):
    worker = celeriac(config=BROKEN, ready=None)
    worker.expected_exit = worker.wait(60)
    assert worker.expected_exit not in (0, None)
    assert ".yaml:6:18: " in worker.log
    assert "did you mean 'mon'?" in worker.log


def yaml_blocks():
    text = (ROOT / "docs/alert-rules.md").read_text()
    return [block.split("```")[0] for block in text.split("```yaml\n")[1:]]


@pytest.mark.parametrize("block", yaml_blocks())
def test_every_yaml_of_the_documentation_is_right(block, tmp_path):
    names = ("LARK_WEBHOOK_URL", "SLACK_URL", "INFLUX_PASSWORD", "INFLUX_TOKEN", "INFLUX3_TOKEN")
    env = dict.fromkeys((*names, "LARK_SECRET", "HOOK_SECRET"), "http://127.0.0.1/x")
    done = check(block, tmp_path, env)
    assert done.returncode == 0, done.stdout + done.stderr
