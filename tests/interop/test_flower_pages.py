"""People see the worker in Flower's pages, in a real browser, and steer it with their buttons."""

import pytest

from support.browser import Browser
from support.celeriac import CELERIAC
from support.flower import Flower

MODULE = CELERIAC.parent / "modules/remote_tasks.so"
NODE = "w1@flower"


@pytest.fixture
def arguments():
    return ("-A", MODULE, "-n", NODE, "-c", 2, "-E", "-l", "INFO")


@pytest.fixture
def worker(celeriac, arguments):
    return celeriac(*arguments)


@pytest.fixture
def flower(worker, broker_url, redis_url, rabbitmq, tmp_path):
    with Flower(NODE, broker_url, redis_url, rabbitmq.management_url, tmp_path) as running:
        yield running


@pytest.fixture
def browser(tmp_path):
    with Browser(tmp_path) as running:
        yield running


@pytest.fixture
def worker_page(browser, flower):
    """The page of the worker, with helpers for its tabs."""
    page = WorkerPage(browser, f"{flower.url}/worker/{NODE}")
    page.open()
    return page


class WorkerPage:
    def __init__(self, browser, url):
        self.browser, self.url = browser, url

    def open(self):
        self.browser.open(self.url)
        assert self.browser.text("#workername") == NODE

    def tab(self, name):
        self.browser.click(f"#worker-tab-{name}")
        self.browser.wait_for(
            lambda: self.browser.script(
                "return document.querySelector(arguments[0]).offsetHeight > 0", f"#tab-{name}"
            ),
            f"tab {name}",
        )

    def table(self, tab):
        """What a two-column table of a tab says."""
        return {row[0]: row[1] for row in self.browser.rows(f"#tab-{tab}") if len(row) == 2}

    def press(self, button, answer):
        """A button, and the words of Flower when the worker has replied, which soon vanish."""
        self.browser.script(
            "window.said = [];"
            "window.listener?.disconnect();"
            "window.listener = new MutationObserver(changes => changes.forEach(change =>"
            "  change.addedNodes.forEach(node => window.said.push(node.textContent))));"
            "window.listener.observe("
            "  document.getElementById('toast-container'), {childList: true})"
        )
        self.browser.click(button)
        said = self.browser.wait_for(lambda: self.browser.script("return window.said"), "answer")
        assert said == [answer]

    def until(self, tab, condition, what):
        """Loads the page until a tab shows the change: Flower asks the worker anew each time."""
        return self.browser.wait_for(lambda: condition(self.table(tab)), what, reload=True)


def task_row(browser, task_id):
    """A task's row in the tasks page: name, id, state, time of arrival, run time, worker."""
    return next((row for row in browser.rows("#tasks-table") if task_id in row), None)


def test_the_workers_page_shows_the_worker_at_work(browser, flower, app):
    app.send_task("remote.add", [2, 3]).get(timeout=30)
    with pytest.raises(Exception, match="boom"):
        app.send_task("remote.fail", ["boom"]).get(timeout=30)
    browser.open(flower.url)

    def counted():
        # A row that says so while it loads, then the worker's.
        (row,) = browser.rows("#workers-table")
        *shown, load = row
        return shown == [NODE, "Online", "0", "2", "1", "1"] and len(load.split()) == 3

    browser.wait_for(counted, "both tasks counted")


def test_the_tabs_of_the_worker_page_are_filled(worker_page, browser, worker, app, rabbitmq):
    app.send_task("remote.add", [2, 3]).get(timeout=30)
    running = app.send_task("remote.sleep", [3600])
    worker.wait_for_log(rf"Task accepted|{running.id}\] received", 30)
    app.control.revoke("never-sent")
    later = app.send_task("remote.add", [1, 1], countdown=600)
    worker.wait_for_log(rf"{later.id}\] received", 30)
    worker.wait_for_log("flagged as revoked: never-sent", 30)

    pool = worker_page.table("pool")
    assert pool["Worker PID"] == str(worker.pid)
    assert pool["Max concurrency"] == "2"
    assert pool["Prefetch Count"] == "8"

    worker_page.tab("broker")
    broker = worker_page.table("broker")
    assert (broker["Hostname"], broker["Port"]) == ("127.0.0.1", str(rabbitmq.port))
    assert "Password" not in broker

    worker_page.tab("queues")
    ((queue, exclusive, durable, routing_key, *_),) = browser.rows("#tab-queues")
    assert (queue, exclusive, durable, routing_key) == ("celery", "False", "True", "celery")

    worker_page.tab("tasks")
    shown = browser.wait_for(
        lambda: all(
            text in browser.text("#tab-tasks") for text in (running.id, later.id, "never-sent")
        ),
        "running, scheduled and revoked task",
        reload=True,
    )
    assert shown
    assert worker_page.table("tasks")["remote.add"] == "1"

    worker_page.tab("limits")
    limits = [row[0] for row in browser.rows("#tab-limits")]
    assert "remote.limited [rate_limit=2/s]" in limits

    worker_page.tab("config")
    config = worker_page.table("config")
    assert config["worker_prefetch_multiplier"] == "4"
    assert f":{rabbitmq.password}@" not in config["broker_url"]

    worker_page.tab("system")
    assert int(worker_page.table("system")["maxrss"]) > 0

    worker_page.tab("other")
    assert "uptime" in worker_page.table("other")

    app.control.revoke(running.id, terminate=True)
    worker.wait_for_log(f"Terminating {running.id}", 30)


def test_the_tasks_page_leads_to_the_task(browser, flower, app):
    done = app.send_task("remote.add", [2, 3])
    done.get(timeout=30)
    failed = app.send_task("remote.fail", ["boom"])
    with pytest.raises(Exception, match="boom"):
        failed.get(timeout=30)

    flower.until(f"/api/task/info/{done.id}", lambda task: task.get("state") == "SUCCESS")
    flower.until(f"/api/task/info/{failed.id}", lambda task: task.get("state") == "FAILURE")

    browser.open(f"{flower.url}/tasks")
    name, _, state, received, runtime, node = browser.wait_for(
        lambda: task_row(browser, done.id), "the task that succeeded"
    )
    assert (name, state, node) == ("remote.add", "SUCCESS", NODE)
    assert received
    assert runtime
    assert task_row(browser, failed.id)[2] == "FAILURE"

    browser.click(f"a[href$='/task/{done.id}']")
    browser.wait_for(lambda: browser.text("#task-page"), "page of the task")
    facts = browser.script(
        "return Object.fromEntries(Array.from(document.querySelectorAll('.detail-row'))"
        ".map(row => [row.querySelector('dt').innerText, row.querySelector('dd').innerText]))"
    )
    assert facts["Status"] == "SUCCESS"
    assert (facts["Arguments"], facts["Keyword arguments"], facts["Result"]) == (
        "[2, 3]",
        "{}",
        "5",
    )
    assert facts["Worker"] == NODE
    assert facts["Runtime"]

    browser.open(f"{flower.url}/task/{failed.id}")
    assert "ValueError('boom')" in browser.text("#task-page")
    assert "Traceback" in browser.text("#task-page")


def test_the_broker_page_lists_the_queues_of_the_worker(browser, flower):
    browser.open(f"{flower.url}/broker")
    browser.wait_for(
        lambda: [row[0] for row in browser.rows("#queue-table")] == ["celery"],
        "the queue",
        reload=True,
    )


def test_the_pool_grows_and_shrinks(worker_page, browser):
    browser.type("#pool-size", "3")
    worker_page.press("#worker-pool-grow", f"Growing '{NODE}' worker's pool by 3")
    worker_page.until("pool", lambda pool: pool["Max concurrency"] == "5", "5 slots")
    browser.type("#pool-size", "4")
    worker_page.press("#worker-pool-shrink", f"Shrinking '{NODE}' worker's pool by 4")
    worker_page.until("pool", lambda pool: pool["Max concurrency"] == "1", "1 slot")


def test_buttons_that_cannot_work_say_why(worker_page, browser):
    browser.type("#min-autoscale", "1")
    browser.type("#max-autoscale", "3")
    worker_page.press(
        "#worker-pool-autoscale",
        f"Failed to autoscale '{NODE}' worker: ValueError('Autoscale not enabled')",
    )
    browser.click("#worker-group")
    worker_page.press(
        "#worker-pool-restart",
        f"Failed to restart the '{NODE}' pool: ValueError('Pool restarts not enabled')",
    )


class TestAutoscale:
    @pytest.fixture
    def arguments(self):
        return ("-A", MODULE, "-n", NODE, "--autoscale", "3,1", "-P", "threads", "-E", "-l", "INFO")

    def test_the_range_of_autoscaling_changes(self, worker_page, browser):
        browser.type("#min-autoscale", "2")
        browser.type("#max-autoscale", "6")
        worker_page.press("#worker-pool-autoscale", f"Autoscaling '{NODE}' worker (min=2, max=6)")
        worker_page.until(
            "pool",
            lambda pool: (pool["Min"], pool["Max"], pool["Current"]) == ("2", "6", "2"),
            "the new range",
        )


def test_a_queue_is_added_and_cancelled(worker_page, browser, worker, app):
    worker_page.tab("queues")
    browser.type("#add-consumer-name", "more")
    worker_page.press("#worker-add-consumer", "add consumer more")
    worker.wait_for_log("Started consuming from more", 30)
    assert app.send_task("remote.add", [2, 2], queue="more").get(timeout=30) == 4

    def queues():
        return [row[0] for row in browser.rows("#tab-queues")]

    browser.wait_for(lambda: queues() == ["celery", "more"], "the new queue", reload=True)
    worker_page.tab("queues")
    worker_page.press("#worker-cancel-consumer-more", "no longer consuming from more")
    worker.wait_for_log("Canceling queue more", 30)
    browser.wait_for(lambda: queues() == ["celery"], "only the old queue", reload=True)


def limit_button(button, task):
    return f"#limits-table button[id='task-{button}-{task}']"


def test_rate_and_time_limits_are_set(worker_page, browser, worker, app):
    worker_page.tab("limits")
    browser.type("input[aria-label='Rate limit for remote.add']", "9")
    worker_page.press(limit_button("rate-limit", "remote.add"), "new rate limit set successfully")
    worker.wait_for_log(r"New rate limit for tasks of type remote.add: 9\.", 30)
    browser.wait_for(
        lambda: "remote.add [rate_limit=9]" in [row[0] for row in browser.rows("#tab-limits")],
        "the new limit",
        reload=True,
    )

    worker_page.tab("limits")
    browser.type("input[aria-label='Timeout for remote.sleep']", "1")
    worker_page.press(limit_button("timeout-hard", "remote.sleep"), "time limits set successfully")
    worker.wait_for_log("New time limits for tasks of type remote.sleep: .*hard=1", 30)
    with pytest.raises(Exception, match="1"):
        app.send_task("remote.sleep", [3600]).get(timeout=30)


def test_a_waiting_task_is_revoked(browser, flower, worker, app):
    waiting = app.send_task("remote.add", [1, 1], countdown=600)
    flower.until(f"/api/task/info/{waiting.id}", lambda task: task.get("state") == "RECEIVED")
    page = WorkerPage(browser, None)
    browser.open(f"{flower.url}/task/{waiting.id}")
    page.press("#task-revoke", f"Revoked '{waiting.id}'")
    worker.wait_for_log(f"Tasks flagged as revoked: {waiting.id}", 30)
    with pytest.raises(Exception, match="revoked"):
        waiting.get(timeout=30)
    assert waiting.state == "REVOKED"


def test_a_running_task_is_terminated(browser, flower, worker, app):
    running = app.send_task("remote.sleep", [3600])
    flower.until(f"/api/task/info/{running.id}", lambda task: task.get("state") == "STARTED")
    page = WorkerPage(browser, None)
    browser.open(f"{flower.url}/task/{running.id}")
    page.press("#task-terminate", f"Revoked '{running.id}'")
    worker.wait_for_log(f"Terminating {running.id}", 30)
    browser.wait_for(lambda: "REVOKED" in browser.text("#task-page"), "REVOKED", reload=True)
    with pytest.raises(Exception, match="terminated"):
        running.get(timeout=30)


def test_the_worker_is_shut_down(worker_page, browser, flower, worker):
    browser.click("#worker-group")
    worker_page.press("#worker-shutdown", "Shutting down!")
    assert worker.wait(60) == 0
    browser.open(flower.url)
    browser.wait_for(
        lambda: [row[:2] for row in browser.rows("#workers-table")] == [[NODE, "Offline"]],
        "the worker offline",
    )
