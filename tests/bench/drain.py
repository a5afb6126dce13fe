"""The measuring part of tests/bench/drain."""

import argparse
import contextlib
import datetime
import os
import pathlib
import platform
import statistics
import sys
import tempfile
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/bench")]

import amqp  # noqa: E402
import kombu.serialization  # noqa: E402
from noop_tasks import app  # noqa: E402

from support.process import Process  # noqa: E402
from support.servers import RabbitMQ  # noqa: E402

BUILD = ROOT / "build/release"
QUEUE = "celery"
CONCURRENCY = 2
TICKS = os.sysconf("SC_CLK_TCK")


def fill(connection, count, task):
    """Puts `count` messages into the queue, as Celery's client writes them (protocol 2, JSON)."""
    message = app.amqp.as_task_v2(str(uuid.uuid4()), task, args=(), kwargs={}, ignore_result=True)
    content_type, encoding, payload = kombu.serialization.dumps(message.body, "json")
    channel = connection.channel()
    channel.queue_declare(QUEUE, durable=True, auto_delete=False)
    channel.queue_purge(QUEUE)
    for _ in range(count):
        task_id = str(uuid.uuid4())
        headers = {**message.headers, "id": task_id, "root_id": task_id}
        channel.basic_publish(
            amqp.Message(
                payload,
                content_type=content_type,
                content_encoding=encoding,
                delivery_mode=2,
                correlation_id=task_id,
                application_headers=headers,
                priority=0,
            ),
            routing_key=QUEUE,
        )
    # The declare is answered after everything that was published before it.
    while waiting(channel) < count:
        time.sleep(0.01)
    return channel


def waiting(channel):
    return channel.queue_declare(QUEUE, passive=True).message_count


class Usage:
    """CPU seconds and memory of a process and its children, from /proc."""

    def __init__(self, pid):
        pids = [pid, *_descendants(pid)]
        self.cpu = sum(map(_cpu_seconds, pids))
        self.memory = sum(map(_memory, pids))


def _descendants(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *_descendants(int(child))]
    return found


def _cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _memory(pid):
    """Bytes of its own, and its share of what it has in common with others (PSS)."""
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no Pss in smaps_rollup")


def drain(name, command, rabbitmq, channel, count, folder, environment):
    """Starts a consumer on the full queue; (messages a second, CPU µs a message, bytes)."""
    log = folder / f"{name}-{uuid.uuid4().hex[:6]}.log"
    process = Process(name, command, log, environment)
    process.wait_until(lambda: waiting(channel) < count, "first message taken", 60)
    # From here on: starting up is not what is measured.
    start, before, left = time.perf_counter(), Usage(process.pid), waiting(channel)
    while waiting(channel) or rabbitmq.message_count("/", QUEUE):
        if not process.running:
            raise SystemExit(f"{name} ended with {process.returncode}:\n{process.tail()}")
        time.sleep(0.02)
    seconds = time.perf_counter() - start
    after = Usage(process.pid)
    process.terminate(timeout=60)
    if waiting(channel):
        raise SystemExit(f"{name} gave {waiting(channel)} messages back; see {log}")
    return left / seconds, (after.cpu - before.cpu) / left * 1e6, after.memory


def contestants(rabbitmq, url, prefetch):
    module = BUILD / "tests/bench_noop.so"
    worker = [
        *("-b", url, "-c", CONCURRENCY, "--prefetch-multiplier", prefetch // CONCURRENCY),
        *("-l", "warning", "--without-gossip", "--without-mingle", "--without-heartbeat"),
    ]
    celery = [sys.executable, "-m", "celery", "-A", "noop_tasks", *worker[:2], "worker"]
    address = ("127.0.0.1", rabbitmq.port, rabbitmq.user, rabbitmq.password, "/")
    return {
        "bare": [BUILD / "tests/bench_bare_consumer", *address, QUEUE, prefetch],
        "celeriac": [BUILD / "celeriac", "worker", "-A", module, *worker],
        "celery": [*celery, "-P", "prefork", *worker[2:]],
    }


def machine():
    cpu = next(
        line.partition(":")[2].strip()
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores ({cpu}), {memory:.0f} GB, Python {platform.python_version()}, "
        f"{datetime.date.today().isoformat()}"
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=30000)
    parser.add_argument("--rounds", type=int, default=9)  # they vary by a third
    parser.add_argument("--prefetch", type=int, default=200)
    parser.add_argument("--task", default="bench.noop", help="or bench.noop_on_pool")
    options = parser.parse_args()

    measured = {}
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        rabbitmq = stack.enter_context(RabbitMQ())
        url = rabbitmq.url()
        connection = stack.enter_context(
            amqp.Connection(f"127.0.0.1:{rabbitmq.port}", rabbitmq.user, rabbitmq.password)
        )
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests/bench")}
        environment |= {"CELERY_BROKER_URL": url}
        for round_number in range(options.rounds):
            for name, command in contestants(rabbitmq, url, options.prefetch).items():
                channel = fill(connection, options.messages, options.task)
                run = drain(name, command, rabbitmq, channel, options.messages, folder, environment)
                measured.setdefault(name, []).append(run)
                print(f"round {round_number + 1}: {name} {run[0]:.0f}/s", file=sys.stderr)
                channel.close()

    print(f"{options.messages} no-op messages, prefetch {options.prefetch}, -c {CONCURRENCY},")
    print(f"median of {options.rounds}; RabbitMQ on the same machine: {machine()}\n")
    print(f"{'':10} {'messages/s':>11} {'CPU µs each':>12} {'memory MB':>10}")
    medians = {
        name: [statistics.median(column) for column in zip(*runs, strict=True)]
        for name, runs in measured.items()
    }
    for name, (rate, cpu, memory) in medians.items():
        print(f"{name:10} {rate:11.0f} {cpu:12.1f} {memory / 2**20:10.1f}")
    rate = medians["celeriac"][0]
    print(f"\nceleriac drains {rate / medians['bare'][0]:.2f} of what a bare consumer does,")
    print(f"and {rate / medians['celery'][0]:.1f} times what Celery does.")


if __name__ == "__main__":
    main()
