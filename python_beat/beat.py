"""The Celery app of beat, and what Python code imports to send the alert tasks.

    celery -A beat beat             sends `tasks.fetch` for each rule of alerts.yaml in time
    from beat import fetch          fetch.delay("cpu") has one rule run now

The tasks run in the native worker (`celeriac worker`), never here.

Environment:
    CELERY_BROKER_URL       where the tasks go (amqp://guest@localhost// unless set)
    CELERY_RESULT_BACKEND   only for code that waits for a result
    CELERY_TIMEZONE         what the crontabs of the rules mean (UTC unless set)
    ALERTS_CONFIG           the rules (alerts.yaml in the current folder unless set)
"""

import os

import click
from alert_rules import RulesError, load_schedule
from celery import Celery


class AlertsApp(Celery):
    """A Celery app that reads the rules when beat asks for its schedule, and only then.

    Code that imports this module to send a task needs no rules.
    """

    @property
    def Beat(self):
        path = os.environ.get("ALERTS_CONFIG", "alerts.yaml")
        try:
            self.conf.beat_schedule = load_schedule(path, os.environ, self)
        except RulesError as error:
            raise click.ClickException(str(error)) from None
        if not self.conf.beat_schedule:
            raise click.ClickException(
                f"{path}: no rule has a schedule; give one `every: 60s` or `cron: '*/5 * * * *'`"
            )
        return self.subclass_with_self("celery.apps.beat:Beat")


app = AlertsApp("beat")
app.conf.update(
    accept_content=["json"],
    broker_connection_retry_on_startup=True,
    enable_utc=True,
    timezone=os.environ.get("CELERY_TIMEZONE", "UTC"),
)


def _runs_elsewhere(task):
    return NotImplementedError(
        f"{task.name} runs in the native worker (celeriac worker --config alerts.yaml); "
        f"from Python send it: {task.name.removeprefix('tasks.')}.delay(...)"
    )


@app.task(name="tasks.fetch", bind=True)
def fetch(self, rule):
    """Queries the source of a rule. Returns what `cache` takes."""
    raise _runs_elsewhere(self)


@app.task(name="tasks.cache", bind=True)
def cache(self, *args, **kwargs):
    """Drops the alarms that were sent already. Takes what `fetch` returns."""
    raise _runs_elsewhere(self)


@app.task(name="tasks.sendalert", bind=True)
def sendalert(self, *args, **kwargs):
    """Posts the rest to the channels of the rule. Takes what `cache` returns."""
    raise _runs_elsewhere(self)
