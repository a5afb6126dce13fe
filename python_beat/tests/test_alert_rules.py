import pytest
from alert_rules import RulesError, duration, read_schedule
from beat import app
from celery.schedules import crontab


def schedule(rules, environment=None, before=""):
    text = before + "rules:\n" + rules
    return read_schedule(text, "alerts.yaml", environment or {}, app)


def mistake(text, environment=None):
    with pytest.raises(RulesError) as caught:
        read_schedule(text, "alerts.yaml", environment or {}, app)
    return str(caught.value)


def test_a_rule_with_seconds_becomes_an_entry():
    assert schedule("  cpu: {every: 60s, query: q}\n") == {
        "alerts: cpu": {
            "task": "tasks.fetch",
            "schedule": 60.0,
            "args": ("cpu",),
            "options": {"expires": 60.0, "ignore_result": True},
        }
    }


def test_the_queue_is_passed_on_by_name():
    entry = schedule("  cpu: {every: 60, queue: alerts}\n")["alerts: cpu"]
    assert entry["options"]["queue"] == "alerts"


def test_a_crontab_keeps_its_five_fields():
    entry = schedule("  cpu: {cron: '*/5 8-17 * * mon-fri'}\n")["alerts: cpu"]
    assert entry["schedule"] == crontab(minute="*/5", hour="8-17", day_of_week="mon-fri", app=app)


@pytest.mark.parametrize(
    ("cron", "expires"),
    [("*/5 * * * *", 300), ("* * * * *", 60), ("0 9,11 * * *", 7200), ("30 4 * * *", 86400)],
)
def test_a_crontab_run_expires_when_the_next_may_be_due(cron, expires):
    entry = schedule(f"  cpu: {{cron: '{cron}'}}\n")["alerts: cpu"]
    assert entry["options"]["expires"] == expires


def test_defaults_hold_where_a_rule_says_nothing():
    before = "defaults: {every: 2m, queue: slow}\n"
    entries = schedule("  a: {query: q}\n  b: {every: 30s}\n  c: {cron: '0 * * * *'}\n", {}, before)
    assert entries["alerts: a"]["schedule"] == 120
    assert entries["alerts: a"]["options"]["queue"] == "slow"
    assert entries["alerts: b"]["schedule"] == 30
    assert entries["alerts: c"]["options"]["expires"] == 3600


def test_a_rule_without_a_schedule_is_not_scheduled():
    assert schedule("  a: {query: q}\n  b:\n") == {}
    assert schedule("  a: {every: ~}\n", {}, "defaults: {every: 60}\n") == {}


def test_a_rule_bound_to_a_task_of_another_schedule_takes_no_default():
    before = "defaults: {every: 60s}\ntasks: {MAINTASK: [a, b], OTHER: {rules: c}}\n"
    entries = schedule("  a: {}\n  b: {every: 5m}\n  c: {}\n  d: {}\n", {}, before)
    assert set(entries) == {"alerts: b", "alerts: d"}


def test_anchors_and_merges_work():
    before = "x-base: &base {every: 5m, queue: q}\n"
    entries = schedule("  a: {<<: *base}\n  b: {<<: *base, every: 10s}\n", {}, before)
    assert entries["alerts: a"]["schedule"] == 300
    assert entries["alerts: b"]["schedule"] == 10
    assert entries["alerts: b"]["options"]["queue"] == "q"


def test_variables_expand_where_beat_reads():
    rules = "  a: {every: '${PERIOD:-45s}', queue: 'q-${SITE}', query: '${SECRET}'}\n"
    entry = schedule(rules, {"SITE": "north"})["alerts: a"]
    assert (entry["schedule"], entry["options"]["queue"]) == (45, "q-north")
    assert schedule(rules, {"SITE": "", "PERIOD": "1m"})["alerts: a"]["schedule"] == 60


def test_a_doubled_dollar_is_a_literal_one():
    assert schedule("  a: {every: 1m, queue: '$${x}'}\n")["alerts: a"]["options"]["queue"] == "${x}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "alerts.yaml:1:1: the file is empty; it needs `rules:`"),
        ("sources: {}\n", "alerts.yaml:1:1: there are no `rules:`"),
        ("rules: [a]\n", "alerts.yaml:1:8: rules must be a map of names and values"),
        ("rules:\n  a: 5\n", "alerts.yaml:2:6: rule 'a' must be a map of names and values"),
        ("rules: {a: {}, a: {}}\n", "alerts.yaml:1:16: 'a' stands here twice"),
        (
            "rules:\n  a: {every: 60s, cron: '* * * * *'}\n",
            "alerts.yaml:2:25: rule 'a' has both `every` and `cron`; keep one",
        ),
        (
            "rules:\n  a:\n    every: 5x\n",
            "alerts.yaml:3:12: every of rule 'a' is '5x'; write seconds or 30s, 5m, 2h, 1d",
        ),
        (
            "rules:\n  a: {every: 0}\n",
            "alerts.yaml:2:14: every of rule 'a' is 0; the shortest is 1s",
        ),
        (
            "rules:\n  a: {cron: '* * *'}\n",
            "alerts.yaml:2:13: cron of rule 'a' is '* * *'; write five fields: "
            "minute hour day-of-month month day-of-week",
        ),
        (
            "rules:\n  a: {every: [1]}\n",
            "alerts.yaml:2:14: every of rule 'a' must be a single value",
        ),
        (
            "rules:\n  a: {every: 1m, queue: '${SITE}'}\n",
            "alerts.yaml:2:25: environment variable SITE is not set (queue of rule 'a')",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(text, message):
    assert mistake(text) == message


@pytest.mark.parametrize("cron", ["61 * * * *", "* * * * 8", "0 0 31 2 *", "*/0 * * * *"])
def test_a_crontab_that_never_comes_is_refused(cron):
    text = mistake(f"rules:\n  a: {{cron: '{cron}'}}\n")
    assert text.startswith(f"alerts.yaml:2:13: cron of rule 'a' is '{cron}': ")


def test_broken_yaml_is_named_with_its_place():
    assert mistake("rules:\n  a: {every: 5\n").startswith("alerts.yaml:3:1: ")
    assert mistake("rules: *nowhere\n").startswith("alerts.yaml:1:8: ")


def test_a_secret_that_only_the_worker_needs_is_not_asked_for():
    before = "channels: {ops: {kind: lark, url: '${LARK_WEBHOOK_URL}'}}\n"
    assert schedule("  a: {every: 60}\n", {}, before)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("90", 90), ("1.5", 1.5), ("30s", 30), ("5m", 300), ("2h", 7200), ("1d", 86400)),
        *(("500ms", 0.5), ("1h30m", 5400), ("", None), ("-5s", None), ("5 m", None), ("m", None)),
    ],
)
def test_durations(text, seconds):
    assert duration(text) == seconds
