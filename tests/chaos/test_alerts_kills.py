"""The worker is killed, and RabbitMQ and Redis are restarted, at each stage of an alarm's way.

In the end every alarm was told once; twice only where the kill fell between the channel's yes and
the note of it. The moments are not guessed: the source, the channel or a gate before Redis holds
one request, and the kill comes while it is held.
"""

import dataclasses
import time

import pytest

from support.fake_http import Answer
from support.fake_influxdb import FakeInfluxDB3
from support.redis_gate import RedisGate

DRAIN_TIMEOUT = 90

# What a command to Redis holds at each moment. Values and results are told apart by their words; a
# value begins its line, which no word of a script does.
RESERVE = rb"\nclaimed "
TAKE = rb"\nsending "
CONFIRM = rb"\ntold "
RESULT_OF_FETCH = rb'SUCCESS.*"rows"'
RESULT_OF_CACHE = rb'SUCCESS.*"suppressed"'
RESULT_OF_SENDALERT = rb'SUCCESS.*"sent"'


class Plant:
    """Everything around one rule whose only alarm is about host `a`."""

    def __init__(self, app, start, rabbitmq, vhost, redis_server, source, bot):
        self.app, self.rabbitmq, self.vhost = app, rabbitmq, vhost
        self.redis_server, self.source, self.bot = redis_server, source, bot
        self._start = start
        self.gate = RedisGate(redis_server.port)
        for database in (62, 63):
            redis_server.command("FLUSHDB", database=database)
        source.on("SELECT", [{"host": "a", "usage": 95}])
        self.config = {
            "sources": {
                "mon": {
                    **{"kind": "influxdb3", "url": source.base_url},
                    **{"database": source.database, "token": source.token},
                }
            },
            "channels": {"ops": {"kind": "lark", "url": bot.url, "timeout": "2s"}},
            "redis": self.gate.url(62),
            "rules": {
                "cpu": {
                    "source": "mon",
                    "query": "SELECT host, usage FROM cpu",
                    "timeout": "120s",
                    "expect": {"compare": {"value": "usage", "op": "<", "than": 90}},
                    "key": "{host}:{name}",
                    "channels": "ops",
                    "queue": "second",
                    "max_retries": 100,
                    "retry_backoff": "100ms",
                }
            },
        }

    def start(self, queues="first,second"):
        self.worker = self._start(
            *("-Q", queues, "-c", 4, "-l", "INFO", "--result-backend", self.gate.url(63)),
            config=self.config,
        )

    def kill_and_start_again(self, hold):
        """Kills the worker while the hold holds it, then starts another for all queues."""
        hold.wait_reached()
        self.worker.kill()
        hold.drop()
        self.start()

    def fetch(self):
        # RabbitMQ may have been restarted under the connection.
        self.app.send_task("tasks.fetch", ("cpu",), queue="first", retry=True)

    def messages_at_the_end(self):
        """How often the alarm was told, once no message is left in the broker."""

        def drained():
            counts = [self.rabbitmq.message_count(self.vhost, q) for q in ("first", "second")]
            return counts == [0, 0]

        self.bot.messages.wait_for(1, timeout=DRAIN_TIMEOUT)
        self.worker.wait_until(drained, "end of all tasks", DRAIN_TIMEOUT)
        return len(self.bot.messages)

    def notes(self):
        """What Redis holds of the alarms."""
        keys = self.redis_server.command("KEYS", "celeriac:alert:*", database=62)
        return [self.redis_server.command("GET", key, database=62) or "" for key in keys]

    def check_remembered(self):
        """A further run finds the alarm told, and not just on its way."""
        self.worker.wait_until(
            lambda: [note[:5] for note in self.notes()] == ["told "], "the note that it was told"
        )
        self.fetch()
        self.worker.wait_for_log("0 alarms to tell, 1 told before", timeout=60)


@pytest.fixture
def plant(app, celeriac, rabbitmq, vhost, redis_server, channels):
    with FakeInfluxDB3() as source:
        made = Plant(app, celeriac, rabbitmq, vhost, redis_server, source, channels.lark())
        with made.gate:
            yield made


class TestKilledWorker:
    def test_in_the_query(self, plant):
        plant.source.fail_next(1, Answer(200, [], delay=110))
        plant.start()
        plant.fetch()
        plant.source.queries.wait_for(1)
        plant.worker.kill()
        plant.start()
        assert plant.messages_at_the_end() == 1

    def test_fetch_has_published_cache_and_is_not_acknowledged(self, plant):
        hold = plant.gate.hold_before(RESULT_OF_FETCH)
        plant.start("first")
        plant.fetch()
        plant.kill_and_start_again(hold)
        assert plant.messages_at_the_end() == 1
        assert len(plant.source.queries) == 2, "the fetch was delivered again"
        plant.check_remembered()

    def test_cache_has_not_reserved(self, plant):
        hold = plant.gate.hold_before(RESERVE)
        plant.start()
        plant.fetch()
        plant.kill_and_start_again(hold)
        assert plant.messages_at_the_end() == 1

    def test_cache_has_reserved_and_published_nothing(self, plant):
        hold = plant.gate.hold_after(RESERVE)
        plant.start()
        plant.fetch()
        plant.kill_and_start_again(hold)
        assert plant.messages_at_the_end() == 1
        plant.check_remembered()

    def test_cache_has_published_sendalert_and_is_not_acknowledged(self, plant):
        hold = plant.gate.hold_before(RESULT_OF_CACHE)
        plant.start("first")
        rows = [{"host": "a", "usage": 95}]
        plant.app.send_task("tasks.cache", ("cpu", rows), queue="first")
        plant.kill_and_start_again(hold)
        assert plant.messages_at_the_end() == 1
        plant.check_remembered()

    def test_sendalert_has_not_taken_the_alarm(self, plant):
        hold = plant.gate.hold_before(TAKE)
        plant.start()
        plant.fetch()
        plant.kill_and_start_again(hold)
        assert plant.messages_at_the_end() == 1

    def test_sendalert_has_taken_the_alarm_and_sent_nothing(self, plant):
        hold = plant.gate.hold_after(TAKE)
        plant.start()
        plant.fetch()
        plant.kill_and_start_again(hold)
        assert plant.messages_at_the_end() == 1
        plant.check_remembered()

    def test_the_request_is_under_way_and_not_taken(self, plant):
        plant.bot.time_out_next(1, delay=60, accept=False)
        plant.start()
        plant.fetch()
        plant.bot.attempts.wait_for(1)
        plant.worker.kill()
        plant.start()
        assert plant.messages_at_the_end() == 1

    def test_the_channel_said_yes_and_nobody_noted_it(self, plant):
        """The one moment that cannot be told from the one before the request."""
        hold = plant.gate.hold_before(CONFIRM)
        plant.start()
        plant.fetch()
        hold.wait_reached()
        assert len(plant.bot.messages) == 1
        plant.kill_and_start_again(hold)
        plant.bot.messages.wait_for(2, timeout=DRAIN_TIMEOUT)
        assert plant.messages_at_the_end() == 2
        plant.check_remembered()

    def test_told_and_noted_and_not_acknowledged(self, plant):
        hold = plant.gate.hold_after(CONFIRM)
        plant.start()
        plant.fetch()
        plant.kill_and_start_again(hold)
        assert plant.messages_at_the_end() == 1
        plant.check_remembered()

    def test_sendalert_has_its_result_and_is_not_acknowledged(self, plant):
        hold = plant.gate.hold_before(RESULT_OF_SENDALERT)
        plant.start()
        plant.fetch()
        plant.kill_and_start_again(hold)
        assert plant.messages_at_the_end() == 1
        plant.check_remembered()

    def test_between_a_refusal_and_its_retry(self, plant):
        plant.bot.fail_next(1, Answer(429, "", (("x-ogw-ratelimit-reset", "3"),)))
        plant.start()
        plant.fetch()
        plant.bot.attempts.wait_for(1)
        plant.worker.kill()
        plant.start()
        assert plant.messages_at_the_end() == 1
        plant.check_remembered()


class TestRestartedServers:
    """The worker goes on; nothing is lost or told twice."""

    @pytest.mark.parametrize("moment", [RESULT_OF_FETCH, RESERVE, RESULT_OF_CACHE, TAKE, CONFIRM])
    def test_rabbitmq(self, plant, moment):
        hold = plant.gate.hold_before(moment)
        plant.start()
        plant.fetch()
        hold.wait_reached()
        plant.rabbitmq.restart()
        hold.release()
        assert plant.messages_at_the_end() == 1
        plant.check_remembered()

    def test_rabbitmq_while_the_channel_is_asked(self, plant):
        plant.config["channels"]["ops"]["timeout"] = "60s"
        plant.bot.fail_next(1, dataclasses.replace(plant.bot.success(), delay=15, accept=True))
        plant.start()
        plant.fetch()
        plant.bot.attempts.wait_for(1)
        plant.rabbitmq.restart()
        assert plant.messages_at_the_end() == 1
        plant.check_remembered()

    @pytest.mark.parametrize("moment", [RESULT_OF_FETCH, RESERVE, RESULT_OF_CACHE, TAKE, CONFIRM])
    def test_redis(self, plant, moment):
        hold = plant.gate.hold_before(moment)
        plant.start()
        plant.fetch()
        hold.wait_reached()
        plant.redis_server.kill()
        hold.release()
        plant.redis_server.start()
        assert plant.messages_at_the_end() == 1
        plant.check_remembered()


def test_a_redis_that_does_not_take_the_note(plant):
    """The alarm was told, and is not told again to have it noted."""
    hold = plant.gate.hold_before(CONFIRM)
    plant.start()
    plant.fetch()
    hold.wait_reached()
    plant.worker.wait_for_log("retry: .*the cache of told alarms: .*has not answered", timeout=60)
    hold.drop()
    plant.check_remembered()
    assert plant.messages_at_the_end() == 1


def test_many_alarms_survive_many_kills(plant):
    """Kills at any moment: each alarm is told, and at most one message a kill is told again."""
    kills, alarms = 8, 40
    plant.config["channels"]["ops"]["rate"] = {}
    plant.config["channels"]["ops"]["timeout"] = "500ms"
    plant.bot.enforce_rate = False
    plant.start()
    for number in range(alarms):
        rows = [{"host": f"h{number}", "usage": 95}]
        plant.app.send_task("tasks.cache", ("cpu", rows), queue="first")
        if number % (alarms // kills) == 0:
            plant.bot.attempts.wait_for(1)
            plant.worker.kill()
            plant.start()
    deadline = time.monotonic() + DRAIN_TIMEOUT

    def told():
        return [m.text.splitlines()[-1].split(":")[0] for m in plant.bot.messages]

    plant.worker.wait_until(
        lambda: len(set(told())) == alarms, "every alarm", deadline - time.monotonic()
    )
    plant.messages_at_the_end()
    # Four tasks run at a time, so one kill may fall between yes and note of four messages.
    assert len(told()) <= alarms + 4 * kills
