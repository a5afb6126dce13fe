"""The same tasks for Celery's own worker, and the client that fills the queue."""

from celery import Celery

app = Celery("bench")
app.conf.update(
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=True,
)


@app.task(name="bench.noop")
def noop():
    pass


@app.task(name="bench.noop_on_pool")
def noop_on_pool():
    pass
