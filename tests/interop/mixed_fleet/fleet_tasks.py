"""The tasks of a mixed fleet, for its Python workers. tasks.cpp has the same for C++."""

import json
import time

from celery import Celery, chord

app = Celery("fleet")
app.conf.update(
    result_extended=True,
    broker_connection_retry_on_startup=True,
    task_acks_late=True,
    worker_prefetch_multiplier=1,
)


def task(function):
    return app.task(bind=True, name=f"fleet.{function.__name__}")(function)


def record(request, flow):
    line = {
        "where": "python",
        "task": request.task,
        "id": request.id,
        "retries": request.retries,
        "redelivered": request.delivery_info["redelivered"],
        "flow": flow,
    }
    app.backend.client.rpush("ran", json.dumps(line))


def sum_of(numbers):
    return sum(map(sum_of, numbers)) if isinstance(numbers, list) else numbers


@task
def add(self, x, y, flow=None):
    record(self.request, flow)
    return x + y


@task
def total(self, numbers, flow=None):
    record(self.request, flow)
    return sum_of(numbers)


@task
def echo(self, value, flow=None):
    record(self.request, flow)
    return value


@task
def fail(self, text, flow=None):
    record(self.request, flow)
    raise ValueError(text)


@task
def retry(self, x, times, flow=None):
    record(self.request, flow)
    if self.request.retries < times:
        raise self.retry(countdown=0.05, max_retries=times)
    return x


@task
def wait(self, x, gate, flow=None):
    record(self.request, flow)
    while not app.backend.client.exists(gate):
        time.sleep(0.01)
    return x


@task
def spread(self, x, parts, queues, flow=None):
    record(self.request, flow)
    header = [add.s(x, i, flow=flow).set(queue=queues[i % len(queues)]) for i in range(parts)]
    raise self.replace(chord(header, total.s(flow=flow).set(queue=queues[0])))


@task
def note(self, failed_id):
    record(self.request, failed_id)
    return failed_id
