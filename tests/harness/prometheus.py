"""Prometheus with the rules of deploy/, sped up."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx2

from tests.harness.proxies import program
from tests.harness.server import ROOT, free_port, wait_until


class Prometheus:
    """Asks these targets, `{host:port: METRICS_KEY}`, each half second; what the rules wait for takes seconds."""

    def __init__(self, folder: Path, targets: Mapping[str, str]) -> None:
        rules = (ROOT / "deploy" / "prometheus" / "alerts.yml").read_text()
        rules = re.sub(r"for: \d+[mh]", "for: 0s", rules)
        rules = re.sub(r"\[\d+[mh]\]", "[10s]", rules)
        (folder / "alerts.yml").write_text(rules)
        jobs = "".join(
            f"  - job_name: {'elmemory' if not number else f'elmemory-{number}'}\n"
            f"    authorization: {{credentials: {key or 'none'}}}\n"
            f"    static_configs: [{{targets: ['{target}'], labels: {{job: elmemory}}}}]\n"
            for number, (target, key) in enumerate(targets.items())
        )
        (folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 500ms, scrape_timeout: 500ms, evaluation_interval: 500ms}\n"
            f"rule_files: [{folder}/alerts.yml]\nscrape_configs:\n{jobs}"
        )
        self._folder = folder
        self._url = f"http://127.0.0.1:{free_port()}"
        self._client = httpx2.Client(base_url=self._url, timeout=10)

    def __enter__(self) -> Self:
        command = [
            program("prometheus"),
            f"--config.file={self._folder}/prometheus.yml",
            f"--storage.tsdb.path={self._folder}/tsdb",
            f"--web.listen-address={self._url.removeprefix('http://')}",
        ]
        self._log = (self._folder / "prometheus.log").open("ab")
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log)
        wait_until(self._is_ready)
        return self

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.wait(15)
        self._log.close()
        self._client.close()

    def alerts(self) -> set[str]:
        """The names of all alerts that there are."""
        return {rule["name"] for rule in self._rules()}

    def firing(self) -> set[str]:
        return {rule["name"] for rule in self._rules() if rule["state"] == "firing"}

    def fired(self) -> set[str]:
        """The names of the alerts that have fired at least once."""
        found = self.values('count by (alertname) (max_over_time(ALERTS{alertstate="firing"}[1h]))')
        return {result["metric"]["alertname"] for result in found}

    def values(self, query: str) -> list[dict[str, Any]]:
        """The results of a query now; raises KeyError for one with a fault."""
        found: list[dict[str, Any]] = self._client.get("/api/v1/query", params={"query": query}).json()["data"][
            "result"
        ]
        return found

    def _rules(self) -> list[dict[str, str]]:
        groups = self._client.get("/api/v1/rules").json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, (self._folder / "prometheus.log").read_text()
        try:
            return self._client.get("/-/ready").status_code == 200
        except httpx2.TransportError:
            return False
