"""Celery's own worker with the suite's tasks: tells a fault of ours from one of the suite.

Used by `run --worker python`; started in the folder of the suite.
"""

import os

from celery import Celery
from t.integration import tasks

app = Celery(
    "stand_in",
    broker=os.environ["TEST_BROKER"],
    backend=os.environ["TEST_BACKEND"],
    set_as_current=True,
)
app.conf.update(accept_content=["json"], result_extended=True)
app.register_task(tasks.ClassBasedAutoRetryTask())


@app.task(name="celery.ping")
def ping():
    return "pong"
