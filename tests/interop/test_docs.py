"""Every command and every YAML, C++ and Python block of README and docs is run or checked.

support/documents.py says how a page is read. Addresses that pages name are replaced by those of
private servers in one place, ADDRESSES. What cannot be run here stands in NOT_RUN with the reason
and with what proves it instead.
"""

import re
import shutil
import sys

import pytest

from support.celeriac import ROOT
from support.documents import Reader, blocks_of
from support.ports import free_port
from support.servers import Redis

sys.path.append(str(ROOT / "deploy/demo"))
from seed import seed

PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in [ROOT / "README.md", ROOT / "python_beat/README.md", *ROOT.glob("docs/*.md")]
)

LIVE_SYSTEMD = "needs a system that systemd runs"
PACKAGING = "tests/packaging/test_debian_package.py"

# command: (why it is not run, what proves it)
NOT_RUN = {
    "scripts/demo": ("builds and runs until Ctrl-C", "tests/interop/test_demo.py"),
    "scripts/test": ("is what runs this", ".ci/run"),
    "docker compose up --build --detach": (
        "needs a Docker daemon",
        "tests/docker/run-dockerfile-in-chroot",
    ),
    "docker compose logs --follow receiver": ("needs a Docker daemon", "docker-compose.yml"),
    "scripts/install-dependencies --build": ("installs packages", "scripts/test"),
    "scripts/build release celeriac": ("takes minutes", "scripts/test"),
    "scripts/install-dependencies --package": ("installs packages", "scripts/test"),
    "cpack --preset release": ("packages what takes minutes to build", PACKAGING),
    "apt install ./build/release/celeriac_*.deb": ("installs packages", PACKAGING),
    "cmake --install build/release": ("installs", "tests/packaging/test_cmake_install.py"),
    "systemctl enable --now celeriac@w1 celeriac@w2": (LIVE_SYSTEMD, PACKAGING),
    "systemctl reload celeriac@w1": (LIVE_SYSTEMD, PACKAGING),
    "systemctl stop celeriac@w1": (LIVE_SYSTEMD, PACKAGING),
    "pip install -r requirements.txt": ("would change the tests' packages", "scripts/python-env"),
}


def addresses(rabbitmq, redis, influxdb, bot, etc, port):
    """What a page says → what the reader of this test finds there."""
    here = "127.0.0.1"
    return [
        (
            r"amqp://(?:(?:guest(?::guest)?|user:password)@)?(?:localhost|rabbitmq)(?::5672)?/",
            f"amqp://guest:guest@{here}:{rabbitmq.port}/",
        ),
        (
            r"amqp://guest:\*\*@(?:localhost|rabbitmq):5672/",
            f"amqp://guest:**@{here}:{rabbitmq.port}/",
        ),
        (r"redis://(?:localhost|redis)(?::6379)?/", f"redis://{here}:{redis.port}/"),
        (r"\bredis-cli\b", f"redis-cli -p {redis.port}"),
        (r"http://(?:localhost|influxdb|influx):8086", influxdb.url),
        (r"/etc/celeriac\b", str(etc)),
        (r"https://open\.larksuite\.com/open-apis/bot/v2/hook/[\w…-]+", bot.url),
        # Ports of our own: the endpoint, Flower, a web application.
        *(
            (rf"(localhost:|port[ =]|--http |http\.server ){number}\b", rf"\g<1>{free}")
            for number, free in port.items()
        ),
    ]


@pytest.fixture
def reader(rabbitmq, influxdb, channels, tmp_path):
    rabbitmq.create_vhost("%2F")
    rabbitmq.api("PUT", "users/guest", {"password": "guest", "tags": "administrator"})
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    rabbitmq.api("PUT", "permissions/%2F/guest", everything)
    influxdb.create_database("mon")
    seed(influxdb.url)
    bot = channels.lark()
    etc = tmp_path / "etc"
    etc.mkdir()
    shutil.copy(ROOT / "deploy/demo/alerts.yaml", etc)
    rabbitmqctl = tmp_path / ".programs" / "rabbitmqctl"
    with Redis() as redis:
        here = addresses(
            *(rabbitmq, redis, influxdb, bot, etc),
            {number: free_port() for number in (8000, 5555, 5000)},
        )
        # What a page may take for set, since it says so in words.
        variables = {
            # A second, Celery's default, is short on a machine that is busy with tests.
            **dict.fromkeys(("CELERY_CONTROL_TIMEOUT", "CELERY_INSPECT_TIMEOUT"), "5"),
            "CELERY_STATUS_TIMEOUT": "5",
            "CELERY_BROKER_URL": f"amqp://guest:guest@127.0.0.1:{rabbitmq.port}//",
            "LARK_WEBHOOK_URL": bot.url,
            "INFLUX_URL": influxdb.url,
            "CELERIAC_ALERTS_REDIS": redis.url(1),
            "PYTHONPATH": str(ROOT / "python_beat"),
            **dict.fromkeys(
                (
                    *("LARK_SECRET", "SLACK_URL", "HOOK_SECRET", "INFLUX_PASSWORD"),
                    *("INFLUX_TOKEN", "INFLUX3_TOKEN", "RABBITMQ_USER", "RABBITMQ_PASSWORD"),
                ),
                "http://127.0.0.1/secret",
            ),
        }
        with Reader(tmp_path, here, variables, NOT_RUN) as somebody:
            rabbitmqctl.write_text(rabbitmq.ctl_script())
            rabbitmqctl.chmod(0o755)
            yield somebody
        rabbitmq.ctl("start_app")  # a page may have stopped it
    influxdb.drop_database("mon")
    rabbitmq.delete_vhost("%2F")


@pytest.mark.release
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", PAGES)
def test_the_page_is_true(page, reader):
    reader.read(blocks_of(ROOT / page, page))


def test_what_is_not_run_is_still_there_and_proved_elsewhere():
    text = "".join((ROOT / page).read_text() for page in PAGES)
    for command, (_reason, proof) in NOT_RUN.items():
        assert f"$ {command}" in text, f"no page has `{command}`; remove it from NOT_RUN"
        assert (ROOT / proof).exists(), f"{proof}, which is to prove `{command}`, is not there"


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) < 200


def test_links_lead_somewhere():
    for page in PAGES:
        text = re.sub(r"```.*?```", "", (ROOT / page).read_text(), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
            if not target.startswith("http"):
                assert ((ROOT / page).parent / target).exists(), f"{page} links to {target}"
