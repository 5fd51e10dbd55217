#!/usr/bin/env python3
"""A real Prometheus scrapes the lab and evaluates docs/prometheus-alerts.yml; promtool judges the
metrics, the rules and the dashboard's expressions.

    BUILD=build t/status/scrape.py

Needs Debian's package prometheus, unpacked by t/status/fetch-prometheus into BUILD/prometheus (or
installed). Takes about two minutes: LyncServerDown waits one before it fires.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

sys.dont_write_bytecode = True

import alerts
from alerts import ALERTS
from stage import BUILD, NET, PROJECT, Checks, Stage
from webdriver import free_port


def tool(name: str) -> str:
    unpacked = BUILD / "prometheus" / "usr" / "bin" / name
    found = str(unpacked) if unpacked.exists() else shutil.which(name)
    if found is None:
        print(f"skipped: {name} isn't there, see t/status/fetch-prometheus")
        sys.exit(77)
    return found


class Prometheus:
    def __init__(self, directory: Path):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        config = directory / "prometheus.yml"
        config.write_text(json.dumps({
            "global": {"scrape_interval": "3s", "scrape_timeout": "3s", "evaluation_interval": "1s"},
            "rule_files": [str(ALERTS)],
            "scrape_configs": [{
                "job_name": "lync", "metrics_path": "/",
                "static_configs": [{"targets": [f"{NET}.1:8090"]}]}]}))
        self.process = subprocess.Popen(
            [tool("prometheus"), f"--config.file={config}",
             f"--storage.tsdb.path={directory / 'data'}",
             f"--web.listen-address=127.0.0.1:{self.port}"],
            stdout=(directory / "prometheus.log").open("w"), stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)

    def ask(self, path: str, **parameters: str):
        with urllib.request.urlopen(
                f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}",
                timeout=10) as answer:
            return json.load(answer)["data"]

    def value(self, expression: str) -> float | None:
        result = self.ask("query", query=expression)["result"]
        return float(result[0]["value"][1]) if result else None

    def alerts(self) -> dict[str, list[dict]]:
        found: dict[str, list[dict]] = {}
        for alert in self.ask("alerts")["alerts"]:
            found.setdefault(alert["labels"]["alertname"], []).append(alert)
        return found

    def until(self, what, seconds: float):
        end = time.monotonic() + seconds
        while True:
            try:
                if value := what():
                    return value
            except OSError:
                pass
            if time.monotonic() > end:
                return None
            time.sleep(0.5)


def run(*command) -> tuple[bool, str]:
    done = subprocess.run(command[:-1] if isinstance(command[-1], bytes) else command,
                          input=command[-1] if isinstance(command[-1], bytes) else b"",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode == 0 and b"error" not in done.stdout.lower(), done.stdout.decode()


def main() -> int:
    check, promtool = Checks(), tool("promtool")
    tool("prometheus")
    good, said = run(promtool, "check", "rules", str(ALERTS))
    check(good, "promtool check rules", said)
    tests = BUILD / "status" / "alerts_test.yml"
    tests.parent.mkdir(parents=True, exist_ok=True)
    tests.write_text(alerts.tests())
    good, said = run(promtool, "test", "rules", str(tests))
    check(good, "promtool test rules: each alert fires when it should", said)

    with Stage("scrape") as stage:
        stage.traffic()
        good, said = run(promtool, "check", "metrics", stage.get("prometheus"))
        check(good and said.strip() == "", "promtool check metrics", said)

        directory = stage.dir / "prometheus"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        with Prometheus(directory) as prometheus:
            up = prometheus.until(
                lambda: prometheus.value('up{job="lync"}') == 1, 60)
            check(up, "Prometheus scrapes the location, which knows it by its headers",
                  prometheus.ask("targets")["activeTargets"])
            check("LyncServerDown" not in prometheus.alerts(), "no server is down yet",
                  prometheus.alerts().get("LyncServerDown"))
            stage.traffic(20)


            def counted() -> tuple[float | None, int]:
                return (prometheus.value("sum(lync_verdicts_total)"),
                        sum(stage.status()["publications"][0]["verdicts"].values()))
            check(prometheus.until(lambda: len(set(counted())) == 1, 60),
                  "it has as many requests as the JSON", counted())

            dashboard = json.loads((PROJECT / "docs" / "grafana-dashboard.json").read_text())
            for panel in dashboard["panels"]:
                for target in panel["targets"]:
                    expression = target["expr"].replace("$publication", ".*").replace("5m", "10s")
                    try:
                        prometheus.ask("query", query=expression)
                        known = True
                    except OSError as error:
                        known, expression = False, f"{expression}: {error}"
                    names = [word for word in expression.replace("(", " ").replace("{", " ").split()
                             if word.startswith("lync_")]
                    there = all(prometheus.value(f"count({name})") for name in names)
                    check(known and names and there, f"dashboard: {panel['title']}", expression)

            stage.lab("stop", "fe2")
            pending = prometheus.until(lambda: [
                alert for alert in prometheus.alerts().get("LyncServerDown", [])
                if alert["labels"]["server"] == f"{NET}.12"], 60)
            check(pending, "a server goes down, and Prometheus knows", prometheus.alerts())
            check(prometheus.until(lambda: prometheus.alerts().get("LyncNamesUncovered"), 60),
                  "so it does of the name that isn't covered")
            firing = prometheus.until(lambda: [
                alert for alert in prometheus.alerts().get("LyncServerDown", [])
                if alert["labels"]["server"] == f"{NET}.12" and alert["state"] == "firing"], 180)
            check(firing, "after a minute the alert fires", prometheus.alerts())
            if firing:
                print("        " + firing[0]["annotations"]["summary"])
            stage.lab("start", "fe2")
            check(prometheus.until(lambda: not [
                alert for alert in prometheus.alerts().get("LyncServerDown", [])
                if alert["labels"]["server"] == f"{NET}.12"], 90),
                "and ends when the server is back", prometheus.alerts())
            broken = [group for group in prometheus.ask("rules")["groups"]
                      for rule in group["rules"] if rule["health"] != "ok"]
            check(not broken, "every rule could be evaluated", broken)
    return check.end()


if __name__ == "__main__":
    os.environ.setdefault("LAB_NET", NET)
    sys.exit(main())
