"""A private Prometheus that scrapes what a test starts."""

import json
import urllib.parse
import urllib.request

from support.ports import free_port
from support.process import Process
from support.servers import Server, _program


class Prometheus(Server):
    """Scrapes one target several times a second, under the job that dashboards expect."""

    name = "prometheus"

    def __init__(self, target, rules=None):
        super().__init__()
        self.port = free_port()
        self.target = target
        self.rules = rules

    def query(self, expression):
        """The samples of an instant query: a list of {"metric": {…}, "value": […]}."""
        arguments = urllib.parse.urlencode({"query": expression})
        return self._get(f"/api/v1/query?{arguments}")["result"]

    def firing_or_known_rules(self):
        groups = self._get("/api/v1/rules")["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def _get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as reply:
            answer = json.load(reply)
        assert answer["status"] == "success", answer
        return answer["data"]

    def _launch(self):
        config = {
            "global": {"scrape_interval": "250ms", "evaluation_interval": "1s"},
            "rule_files": [str(self.rules)] if self.rules else [],
            "scrape_configs": [
                {"job_name": "celery", "static_configs": [{"targets": [self.target]}]}
            ],
        }
        return Process(
            "Prometheus",
            [
                _program("prometheus", package="prometheus"),
                f"--config.file={self._write('prometheus.yml', json.dumps(config))}",
                f"--storage.tsdb.path={self._path('data')}",
                f"--web.listen-address=127.0.0.1:{self.port}",
            ],
            self.log_path,
        )

    def _ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=2):
                return True
        except OSError:
            return False
