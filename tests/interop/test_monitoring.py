"""Metrics, health, systemd's protocol and the files in deploy/, against the real programs."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
import yaml

from support.celeriac import CELERIAC, ROOT, environment
from support.ports import free_port
from support.process import Process
from support.prometheus import Prometheus

DEPLOY = ROOT / "deploy"
MODULE = CELERIAC.parent / "modules/remote_tasks.so"
GATED = CELERIAC.parent / "tests/interop/task_module/interop_tasks.so"


def get(port, path):
    """Status, content type and body."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as reply:
            return reply.status, reply.headers["Content-Type"], reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


UNREADY = (503, "text/plain; charset=utf-8", "stopping\n")


@pytest.fixture
def port():
    return free_port()


# --- health ----------------------------------------------------------------------------------


def test_readiness_follows_the_broker_and_liveness_does_not(celeriac, port, rabbitmq, vhost):
    worker = celeriac("-A", MODULE, "-l", "INFO", "--http", f"127.0.0.1:{port}")
    assert get(port, "/livez")[0] == get(port, "/healthz")[0] == 200
    assert get(port, "/readyz") == (200, "text/plain; charset=utf-8", "ok\n")
    rabbitmq.stop()
    try:
        worker.wait_until(lambda: get(port, "/readyz")[0] == 503, "503 while RabbitMQ is away", 60)
        assert get(port, "/livez")[0] == 200
        assert get(port, "/readyz")[2].startswith("no connection to amqp://celeriac:**@")
    finally:
        rabbitmq.start()
    worker.wait_until(lambda: get(port, "/readyz")[0] == 200, "readiness after the outage", 120)


def test_a_worker_without_a_broker_is_alive_and_not_ready(celeriac, port):
    nowhere = f"amqp://127.0.0.1:{free_port()}//"
    worker = celeriac("-A", MODULE, "-b", nowhere, "--http", f"127.0.0.1:{port}", ready=None)
    worker.wait_for_log("Cannot connect to")
    assert get(port, "/livez")[0] == 200
    assert get(port, "/readyz")[0] == 503


def test_status_tells_what_the_worker_does(celeriac, port, app):
    worker = celeriac("-A", MODULE, "-n", "w1@test", "-l", "INFO", "--http", f"127.0.0.1:{port}")
    app.send_task("remote.add", [1, 2]).get(timeout=30)
    result = app.send_task("remote.sleep", [3600])
    worker.wait_until(
        lambda: json.loads(get(port, "/status")[2])["tasks"]["active"] == 1, "a running task"
    )
    status = json.loads(get(port, "/status")[2])
    assert status["nodename"] == "w1@test"
    assert status["queues"] == ["celery"]
    assert status["broker"]["consuming"] is True
    assert "celeriac:celeriac" not in status["broker"]["url"]
    app.control.revoke(result.id, terminate=True)
    worker.wait_for_log(rf"Terminating {result.id}")


def status_of(port):
    return json.loads(get(port, "/status")[2])


def test_status_follows_what_is_changed_at_run_time(celeriac, port, app):
    worker = celeriac("-A", MODULE, "-c", 2, "-l", "INFO", "--http", f"127.0.0.1:{port}")
    app.control.add_consumer("more", reply=True, limit=1, timeout=30)
    app.control.pool_grow(3, reply=True, limit=1, timeout=30)
    worker.wait_for_log("Started consuming from more")
    status = status_of(port)
    assert status["queues"] == ["celery", "more"]
    assert status["concurrency"] == 5
    waiting = app.send_task("remote.add", [1, 1], countdown=600)
    worker.wait_until(lambda: status_of(port)["tasks"]["scheduled"] == 1, "the task that waits")
    app.control.revoke(waiting.id)


def test_status_admits_that_the_broker_is_away(celeriac, port, rabbitmq, vhost):
    worker = celeriac("-A", MODULE, "-l", "INFO", "--http", f"127.0.0.1:{port}")
    assert status_of(port)["broker"]["connected"] is True
    rabbitmq.stop()
    try:
        worker.wait_until(lambda: not status_of(port)["broker"]["connected"], "a lost broker", 60)
        assert status_of(port)["broker"]["consuming"] is False
    finally:
        rabbitmq.start()
    worker.wait_until(lambda: status_of(port)["broker"]["consuming"], "the broker again", 120)
    assert status_of(port)["broker"]["reconnects"] == 1


def test_a_worker_that_drains_is_alive_and_not_ready(celeriac, port, app, tmp_path):
    worker = celeriac("-A", GATED, "-l", "INFO", "--http", f"127.0.0.1:{port}")
    gate, path = tmp_path / "gate", tmp_path / "marks"
    result = app.send_task("interop.wait_at", [str(gate), str(path)])
    worker.wait_until(path.exists, "a running task")
    worker.signal(signal.SIGTERM)
    worker.wait_until(lambda: get(port, "/readyz") == UNREADY, "503 while it stops")
    assert get(port, "/healthz")[0] == 200
    status = status_of(port)
    assert (status["stopping"], status["tasks"]["active"]) == (True, 1)
    assert status["broker"]["consuming"] is False
    gate.touch()
    assert worker.wait(60) == 0
    assert result.get(timeout=30) == "through"


def test_a_worker_whose_loop_stands_still_is_not_alive(celeriac, port, app, tmp_path):
    """Nothing answers in its place: a probe hears of it again when the loop turns again."""
    worker = celeriac("-A", GATED, "-l", "INFO", "--http", f"127.0.0.1:{port}")
    path = tmp_path / "marks"
    app.send_task("interop.hog_loop", [2, str(path)])
    worker.wait_until(path.exists, "a task that keeps the loop busy")
    assert get(port, "/healthz")[0] == 200
    assert len(path.read_text().splitlines()) == 2, "answered before the task had ended"


def test_the_endpoint_survives_nonsense(celeriac, port):
    celeriac("-A", MODULE, "-l", "INFO", "--http", f"127.0.0.1:{port}")
    for nonsense in (b"", b"\x16\x03\x01\x00" * 100, b"GET " + b"/" * 100_000, b"\r\n\r\n" * 1000):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.settimeout(10)
            try:
                connection.sendall(nonsense)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(4096):
                    pass
            except TimeoutError:
                raise
            except OSError:  # closed before it had all of it
                pass
    assert get(port, "/livez")[0] == 200


# --- metrics ---------------------------------------------------------------------------------


def run_every_kind_of_task(app):
    app.send_task("remote.add", [1, 2]).get(timeout=30)
    app.send_task("remote.retry_once").get(timeout=30)
    with pytest.raises(Exception, match="boom"):
        app.send_task("remote.fail", ["boom"]).get(timeout=30)


def test_metrics_count_what_tasks_did(celeriac, port, app):
    celeriac("-A", MODULE, "-n", "w1@test", "-l", "INFO", "--http", f"127.0.0.1:{port}")
    run_every_kind_of_task(app)
    status, content_type, text = get(port, "/metrics")
    assert (status, content_type) == (200, "text/plain; version=0.0.4; charset=utf-8")
    samples = samples_of(text)
    labels = '{hostname="test",name="remote.add",queue_name="celery"}'
    assert samples["celery_task_received_total" + labels] == "1"
    assert samples["celery_task_succeeded_total" + labels] == "1"
    assert samples["celery_task_runtime_count" + labels] == "1"
    failed = (
        'celery_task_failed_total{exception="ValueError",hostname="test",name="remote.fail",'
        'queue_name="celery"}'
    )
    assert samples[failed] == "1"
    retried = labels.replace("remote.add", "remote.retry_once")
    assert samples["celery_task_retried_total" + retried] == "1"
    assert samples["celery_task_sent_total" + retried] == "1"
    assert samples["celery_task_sent_total" + labels] == "0"
    assert samples["celery_task_queue_wait_time_count" + labels] == "1"
    assert samples["celeriac_broker_consuming"] == "1"
    # add; the RETRY and the SUCCESS of retry_once; fail
    assert samples['celeriac_result_writes_total{outcome="stored"}'] == "4"
    assert samples['celeriac_result_writes_total{outcome="refused"}'] == "0"
    assert samples["celeriac_results_waiting"] == "0"
    assert float(samples["process_resident_memory_bytes"]) > 1 << 20


def samples_of(text):
    return dict(re.findall(r"^(\w+(?:\{.*\})?) (\S+)$", text, re.MULTILINE))


# Every name and label set of celery-exporter, which dashboards of others ask for.
TASK = {"name", "hostname", "queue_name"}
EXPORTED = {
    **{
        f"celery_task_{what}_total": TASK
        for what in ("sent", "received", "started", "succeeded", "rejected", "revoked", "retried")
    },
    "celery_task_failed_total": TASK | {"exception"},
    **{f"celery_task_runtime_{part}": TASK for part in ("sum", "count")},
    "celery_task_runtime_bucket": TASK | {"le"},
    **{f"celery_task_queue_wait_time_{part}": TASK for part in ("sum", "count")},
    "celery_task_queue_wait_time_bucket": TASK | {"le"},
    **{f"celery_worker_{what}": {"hostname"} for what in ("up", "tasks_active")},
    "celery_queue_length": {"queue_name"},
    **{f"celery_active_{what}_count": {"queue_name"} for what in ("consumer", "worker", "process")},
}


def test_every_name_of_celery_exporter_is_there_with_its_labels(celeriac, port, app):
    worker = celeriac("-A", MODULE, "-l", "INFO", "--http", f"127.0.0.1:{port}")
    run_every_kind_of_task(app)
    worker.wait_until(lambda: "celery_queue_length{" in get(port, "/metrics")[2], "queue lengths")
    found = {}
    for series in samples_of(get(port, "/metrics")[2]):
        name, _, labels = series.partition("{")
        found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    assert {name: labels for name, labels in found.items() if name in EXPORTED} == EXPORTED


def test_queues_are_counted_by_the_broker(celeriac, port, app):
    worker = celeriac(
        *("-A", MODULE, "-c", 1, "--prefetch-multiplier", 1, "-l", "DEBUG"),
        *("--http", f"127.0.0.1:{port}"),
    )
    running = app.send_task("remote.sleep", [3600])
    worker.wait_for_log(rf"Task accepted: remote.sleep\[{running.id}\]", 30)
    waiting = [app.send_task("remote.sleep", [3600]) for _ in range(5)]

    def counted():
        samples = samples_of(get(port, "/metrics")[2])
        length = samples.get('celery_queue_length{queue_name="celery"}')
        consumers = samples.get('celery_active_consumer_count{queue_name="celery"}')
        # The early ack of the running task made room for one more.
        return (length, consumers) == ("4", "1")

    worker.wait_until(counted, "4 ready messages", 60)
    app.control.revoke([task.id for task in [running, *waiting]], terminate=True)
    worker.wait_until(
        lambda: (
            samples_of(get(port, "/metrics")[2])['celery_queue_length{queue_name="celery"}'] == "0"
        ),
        "an empty queue",
        60,
    )


def test_made_up_task_names_do_not_grow_the_metrics(celeriac, port, app):
    worker = celeriac("-A", MODULE, "-l", "CRITICAL", "--http", f"127.0.0.1:{port}", ready=None)
    worker.wait_until(lambda: ready(port), "readiness")
    with app.producer_or_acquire() as producer:
        for number in range(10_000):
            app.send_task(f"made.up.{number}", producer=producer)
    unknown = (
        'celery_task_failed_total{exception="NotRegistered",'
        f'hostname="{socket.gethostname()}",name="unregistered",queue_name="celery"}}'
    )
    worker.wait_until(
        lambda: samples_of(get(port, "/metrics")[2]).get(unknown) == "10000", "10000 refusals", 120
    )
    assert "made.up" not in get(port, "/metrics")[2]


def ready(port):
    try:
        return get(port, "/readyz")[0] == 200
    except urllib.error.URLError:
        return False


def test_promtool_finds_nothing_to_improve(celeriac, port, app):
    celeriac("-A", MODULE, "-l", "INFO", "--http", f"127.0.0.1:{port}")
    run_every_kind_of_task(app)
    text = get(port, "/metrics")[2]
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True
    )
    # celery-exporter's own names break Prometheus' conventions; ours must not.
    complaints = [line for line in checked.stderr.splitlines() if not line.startswith("celery_")]
    assert complaints == []


def panels(dashboard):
    """(title, expression) of every query, with Grafana's variables filled in."""
    board = json.loads((DEPLOY / f"grafana/dashboards/{dashboard}.json").read_text())
    variables = {v["name"]: v["query"]["query"] for v in board["templating"]["list"]}
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            expression = target["expr"].replace("$__rate_interval", "1m")
            for name in variables:
                expression = expression.replace(f"${name}", ".*")
            assert "$" not in expression, expression
            # A zero in place of nothing would hide that there is nothing.
            expression = expression.removesuffix(" or vector(0)")
            yield f"{panel['title']} ({target['refId']})", expression
    for name, query in variables.items():
        metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", query).groups()
        yield f"variable {name}", f"group by ({label}) ({metric})"


def require_data(prometheus, dashboard):
    for title, expression in panels(dashboard):
        prometheus.process.wait_until(
            lambda expression=expression: prometheus.query(expression),
            f"data for {dashboard}: {title}: {expression}",
        )


def test_the_worker_dashboard_shows_a_working_worker(celeriac, port, app):
    celeriac("-A", MODULE, "-n", "w1@test", "-l", "INFO", "--http", f"127.0.0.1:{port}")
    run_every_kind_of_task(app)
    rules = DEPLOY / "prometheus/celeriac.rules.yml"
    with Prometheus(f"127.0.0.1:{port}", rules) as prometheus:
        require_data(prometheus, "celeriac-worker")
        assert len(list(panels("celeriac-worker"))) > 25
        prometheus.process.wait_until(
            lambda: all(rule["health"] == "ok" for rule in prometheus.firing_or_known_rules()),
            "every alert rule evaluated",
        )
        assert len(prometheus.firing_or_known_rules()) >= 9


def rule_with(query):
    return {
        "source": "mon",
        "query": query,
        "expect": {"compare": {"value": "usage", "op": "<", "than": 90}},
        "key": "{host}:{name}",
        "channels": ["ops"],
        "every": 60,
        "dedupe_for": "30m",
    }


def test_the_alert_dashboard_shows_rules_at_work(
    celeriac, port, app, influxdb, influx_database, redis_url, channels
):
    influxdb.write(influx_database, "cpu,host=web-1 usage=97")
    bot = channels.lark()
    config = {
        "sources": {"mon": {"kind": "influxdb1", "url": influxdb.url, "database": influx_database}},
        "channels": {"ops": {"kind": "lark", "url": bot.url}},
        "redis": redis_url,
        "rules": {"cpu": rule_with("SELECT last(usage) AS usage FROM cpu GROUP BY host")},
    }
    config["rules"]["broken"] = rule_with("SELECT FROM WHERE")
    worker = celeriac("-l", "INFO", "--http", f"127.0.0.1:{port}", config=config)

    def suppressed(times):
        app.send_task("tasks.fetch", ["broken"])
        app.send_task("tasks.fetch", ["cpu"])
        line = f'celeriac_alert_suppressed_total{{reason="already told",rule="cpu"}} {times}\n'
        worker.wait_until(lambda: line in get(port, "/metrics")[2], f"{times} alarms suppressed")

    app.send_task("tasks.fetch", ["cpu"])
    bot.messages.wait_for(1)
    suppressed(1)
    with Prometheus(f"127.0.0.1:{port}") as prometheus:
        # An increase is seen of what was there before.
        for outcome in ("alarm", "error"):
            known = f'celeriac_alert_evaluations_total{{outcome="{outcome}"}}'
            prometheus.process.wait_until(lambda known=known: prometheus.query(known), known)
        suppressed(2)
        require_data(prometheus, "celeriac-alerts")
        assert len(list(panels("celeriac-alerts"))) > 10


# --- systemd, supervisord, Kubernetes ----------------------------------------------------------


class NotifySocket:
    """The socket that systemd would listen on."""

    def __init__(self, path):
        self.path = str(path)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(60)

    def wait_for(self, assignment):
        while True:
            if assignment in self.socket.recv(4096).decode().splitlines():
                return


def test_systemd_hears_of_start_watchdog_and_stop(celeriac, tmp_path):
    systemd = NotifySocket(tmp_path / "notify")
    worker = celeriac(
        *("-A", MODULE, "-l", "INFO"),
        env={"NOTIFY_SOCKET": systemd.path, "WATCHDOG_USEC": "200000"},
    )
    systemd.wait_for("READY=1")
    systemd.wait_for("WATCHDOG=1")
    worker.stop()
    systemd.wait_for("STOPPING=1")


def test_systemd_is_asked_for_time_while_there_is_no_broker(celeriac, tmp_path):
    systemd = NotifySocket(tmp_path / "notify")
    nowhere = f"amqp://127.0.0.1:{free_port()}//"
    celeriac(
        *("-A", MODULE, "-b", nowhere),
        env={"NOTIFY_SOCKET": systemd.path, "WATCHDOG_USEC": "200000"},
        ready=None,
    )
    systemd.wait_for("EXTEND_TIMEOUT_USEC=30000000")


def test_hang_up_opens_the_log_file_again(celeriac, tmp_path):
    log = tmp_path / "w1.log"
    worker = celeriac("-A", MODULE, "-n", "w1@test", "-l", "INFO", "-f", log, ready=None)
    worker.wait_until(lambda: log.exists() and "ready." in log.read_text(), "ready")
    log.rename(tmp_path / "w1.log.1")
    worker.signal(1)
    worker.wait_until(log.exists, "a new log file")


def unit_with_this_binary(name, folder):
    """The unit as installed, with programs that exist here."""
    text = (DEPLOY / "systemd" / name).read_text()
    text = text.replace("/usr/bin/celeriac ", f"{CELERIAC} ")
    text = text.replace("/opt/celeriac/venv/bin/celery ", "/bin/true ")
    path = folder / name.replace("@.", "@w1.")
    path.write_text(text)
    return path


def test_systemd_accepts_the_units(tmp_path):
    names = ["celeriac@.service", "celeriac-beat.service", "celeriac.target"]
    units = [unit_with_this_binary(name, tmp_path) for name in names]
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True
    )
    ours = [line for line in verified.stderr.splitlines() if "celeriac" in line]
    assert (verified.returncode, ours) == (0, [])


def test_a_misspelt_unit_is_found(tmp_path):
    unit = unit_with_this_binary("celeriac@.service", tmp_path)
    unit.write_text(unit.read_text().replace("WatchdogSec", "WatchdogSeconds"))
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True
    )
    assert "WatchdogSeconds" in verified.stderr


def options_of(command):
    """The options of a `celeriac worker` command line, without what the environment fills in."""
    return command.split("celeriac worker ", 1)[1].split()


def test_every_shipped_command_line_is_understood(tmp_path):
    alerts = tmp_path / "alerts.yaml"
    alerts.write_text("worker: {}\n")
    unit = (DEPLOY / "systemd/celeriac@.service").read_text()
    default = (DEPLOY / "systemd/celeriac.default").read_text()
    supervisor = (DEPLOY / "supervisord/celeriac.conf").read_text()
    extra = re.search(r"^CELERIAC_OPTIONS=(.*)$", default, re.MULTILINE).group(1)
    from_systemd = re.search(r"^ExecStart=(.*)$", unit, re.MULTILINE).group(1)
    from_supervisor = re.search(r"^command=(.*celeriac worker.*)$", supervisor, re.MULTILINE)
    from_kubernetes = next(yaml.safe_load_all((DEPLOY / "kubernetes/celeriac.yaml").open()))
    container = from_kubernetes["spec"]["template"]["spec"]["containers"][0]
    for words in (
        options_of(from_systemd.replace("$CELERIAC_OPTIONS", extra)),
        options_of(from_supervisor.group(1)),
        container["args"][1:],
    ):
        words = [
            word.replace("/etc/celeriac/alerts.yaml", str(alerts))
            .replace("%%", "%")
            .replace("%i", "w")
            for word in words
        ]
        words = [word.replace("%(process_num)d", "1").replace("$(POD_NAME)", "p") for word in words]
        printed = subprocess.run(
            [CELERIAC, "worker", *words, "--print-config"], capture_output=True, text=True
        )
        assert printed.returncode == 0, printed.stderr


def test_kubernetes_probes_ask_paths_that_are_answered(celeriac, port):
    documents = list(yaml.safe_load_all((DEPLOY / "kubernetes/celeriac.yaml").open()))
    worker = documents[0]["spec"]["template"]["spec"]["containers"][0]
    celeriac("-A", MODULE, "-l", "INFO", "--http", f"127.0.0.1:{port}")
    served = next(arg for arg in worker["args"] if arg.startswith("--http=")).partition("=")[2]
    assert worker["ports"] == [{"name": "http", "containerPort": int(served)}]
    for probe in ("livenessProbe", "readinessProbe"):
        assert worker[probe]["httpGet"]["port"] == "http"
        assert get(port, worker[probe]["httpGet"]["path"])[0] == 200
    assert documents[1]["spec"]["replicas"] == 1


@pytest.mark.parametrize("version", ["1.25", "1.37"])
def test_the_manifest_is_what_the_schema_of_kubernetes_says(version):
    """Strictly: a field that Kubernetes does not know is a mistake, too."""
    import kubernetes_validate  # not there beside an older Celery, where this does not run

    documents = list(yaml.safe_load_all((DEPLOY / "kubernetes/celeriac.yaml").open()))
    assert [document["kind"] for document in documents] == ["Deployment", "Deployment"]
    for document in documents:
        kubernetes_validate.validate(document, version, strict=True)
    documents[0]["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="readinesProbe"):
        kubernetes_validate.validate(documents[0], version, strict=True)


def test_every_supervisor_gives_running_tasks_the_same_time():
    pod = next(yaml.safe_load_all((DEPLOY / "kubernetes/celeriac.yaml").open()))
    seconds = pod["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    unit = (DEPLOY / "systemd/celeriac@.service").read_text()
    supervisor = (DEPLOY / "supervisord/celeriac.conf").read_text()
    assert f"\nTimeoutStopSec={seconds}\n" in unit
    assert f"\nstopwaitsecs={seconds}\n" in supervisor


@pytest.fixture
def supervisord(tmp_path, broker_url, redis_url):
    """Supervisord with the shipped programs, started, and a function that is supervisorctl."""
    program = shutil.which("supervisord")
    assert program, "supervisord is missing; run scripts/install-dependencies"
    rules = {
        "sources": {"mon": {"kind": "influxdb1", "url": "http://127.0.0.1:1", "database": "mon"}},
        "channels": {"ops": {"kind": "webhook", "url": "http://127.0.0.1:1"}},
        "redis": redis_url,
        "rules": {
            "cpu": {
                "source": "mon",
                "query": "SELECT 1",
                "expect": {"count": {"op": ">", "than": 0}},
                "key": "{name}",
                "channels": ["ops"],
                "every": "1h",
            }
        },
    }
    (tmp_path / "alerts.yaml").write_text(json.dumps(rules))
    text = (DEPLOY / "supervisord/celeriac.conf").read_text().replace("user=celeriac\n", "")
    for shipped, here in {
        "/usr/bin/celeriac": CELERIAC,
        "/opt/celeriac/venv/bin/celery": pathlib.Path(sys.executable).parent / "celery",
        "/usr/share/celeriac/python_beat": ROOT / "python_beat",
        "/etc/celeriac": tmp_path,
        "/var/log/celeriac": tmp_path,
        "/var/lib/celeriac": tmp_path,
        "amqp://guest:guest@localhost:5672//": broker_url,
        "redis://localhost:6379/0": redis_url,
    }.items():
        assert shipped in text
        text = text.replace(shipped, str(here))
    config = tmp_path / "supervisord.conf"
    config.write_text(
        f"[supervisord]\nlogfile={tmp_path}/log\npidfile={tmp_path}/pid\nnodaemon=true\n"
        f"{'user=root' if os.getuid() == 0 else ''}\n"
        f"[unix_http_server]\nfile={tmp_path}/sock\n"
        "[rpcinterface:supervisor]\n"
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
        f"[supervisorctl]\nserverurl=unix://{tmp_path}/sock\n{text}"
    )

    def control(*words):
        return subprocess.run(
            ["supervisorctl", "-c", config, *words], capture_output=True, text=True
        ).stdout

    supervisor = Process(
        "supervisord", [program, "-c", config], tmp_path / "output.log", env=environment({})
    )
    yield supervisor, control
    supervisor.terminate()


def test_supervisord_keeps_workers_and_beat_and_ends_them_warmly(supervisord):
    supervisor, control = supervisord
    programs = ("celeriac_0", "celeriac_1", "celeriac-beat")
    for name in programs:
        supervisor.wait_for_log(rf"success: {name} entered RUNNING state", 90)
    status = dict(line.split()[:2] for line in control("status").splitlines())
    assert status == {f"celeriac-all:{name}": "RUNNING" for name in programs}
    control("stop", "all")
    for name in programs:
        supervisor.wait_for_log(rf"stopped: {name} \(exit status 0\)")


# --- Prometheus, Grafana, compose ---------------------------------------------------------------


def test_promtool_accepts_configuration_and_rules():
    checked = subprocess.run(
        ["promtool", "check", "config", DEPLOY / "prometheus/prometheus.yml"],
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_alert_rules_fire_when_they_should_and_only_then():
    cases = ROOT / "tests/interop/prometheus_rules.yml"
    checked = subprocess.run(["promtool", "test", "rules", cases], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    rules = yaml.safe_load((DEPLOY / "prometheus/celeriac.rules.yml").read_text())
    tested = set(re.findall(r"alertname: (\w+)", cases.read_text()))
    assert tested == {rule["alert"] for group in rules["groups"] for rule in group["rules"]}


def test_dashboards_refer_to_the_provisioned_source():
    sources = yaml.safe_load(
        (DEPLOY / "grafana/provisioning/datasources/prometheus.yaml").read_text()
    )
    uids = {source["uid"] for source in sources["datasources"]}
    boards = [
        json.loads(path.read_text()) for path in (DEPLOY / "grafana/dashboards").glob("*.json")
    ]
    assert len({board["uid"] for board in boards}) == len(boards) == 2
    for board in boards:
        assert "__inputs" not in board
        for panel in board["panels"]:
            assert panel["type"] == "row" or panel["datasource"]["uid"] in uids
