#!/usr/bin/env python3
"""The status of 200 servers and 5,000 names, while requests come and nginx reloads: every answer is
valid by docs/status.schema.json, and how long page, JSON and Prometheus' text take is printed.

    BUILD=build t/status/scale.py [--names 5000] [--pools 20] [--servers 10] [--asks 40]
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../lib")

import proof_nginx
from proof_nginx import free_port
from stage import PROJECT, Checks

try:
    import jsonschema
except ImportError:
    jsonschema = None

SITE = """\
    server {{ listen 127.0.0.1:{status_port}; location / {{ lync_status; }} }}
    lync_publish scale {{
        {domains}
        certificate {pki}/public.pem {pki}/public.key;
        trusted_ca {pki}/internal-ca.pem;
        http_listen 127.0.0.1:{http_port};
        https_listen 127.0.0.1:{https_port};
        {pools}
    }}
"""


def ask(port: int, form: str) -> tuple[float, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.connect()
    began = time.perf_counter()
    connection.request("GET", f"/?format={form}")
    body = connection.getresponse().read()
    return time.perf_counter() - began, body


def traffic(port: int, stop: threading.Event):
    """Redirects and refusals: they count as anything does."""
    number = 0
    while not stop.is_set():
        number += 1
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            for path in ("/", "/abs/handler", "/cscp/", f"/\"{number}<"):
                connection.request("GET", path, headers={"Host": "web1.contoso.com"})
                connection.getresponse().read()
            connection.close()
        except (OSError, http.client.HTTPException):
            pass    # a worker that ends
        time.sleep(0.01)


def main() -> int:
    arguments = proof_nginx.options(__doc__, "scale", names=5000, pools=20, servers=10, asks=40)
    ports = {name: free_port() for name in ("status_port", "http_port", "https_port")}
    domains = "".join(f"sip_domain d{i}.example;\n" for i in range(arguments.names))
    pools = "".join(
        f"pool pool{p}.contoso.local {{ external_web_services web{p}.contoso.com; health_check off;"
        + "".join(f" server 127.2.{p}.{s + 1};" for s in range(arguments.servers)) + " }\n"
        for p in range(arguments.pools))
    nginx = proof_nginx.Nginx(
        arguments.nginx, arguments.dir, proof_nginx.configuration(
            arguments.dir, SITE.format(pki=arguments.pki, domains=domains, pools=pools, **ports),
            module=arguments.module, workers=2, level="notice"),
        ports["status_port"])
    check, stop = Checks(), threading.Event()
    schema = json.loads((PROJECT / "docs" / "status.schema.json").read_text())
    validator = jsonschema.Draft7Validator(schema) if jsonschema else None
    if validator is None:
        print("skipped the schema: python3-jsonschema isn't installed")
    client = threading.Thread(target=traffic, args=(ports["http_port"], stop))
    try:
        client.start()

        valid = 0
        status: dict = {}
        passes = []
        for number in range(10):
            if number in (3, 6):
                nginx.reload()
            time.sleep(0.3)
            status = json.loads(ask(ports["status_port"], "json")[1])
            if validator is None or not list(validator.iter_errors(status)):
                valid += 1
            passes.append(sum(status["publications"][0]["verdicts"].values()))
        check(valid == 10, "ten answers under traffic and two reloads are as the schema says", valid)
        check(passes == sorted(passes), "and the counters only grow", passes)
        time.sleep(3)   # until the workers of before the reloads are gone
        stop.set()
        client.join()

        summary = status["summary"]
        check(summary["names"] >= arguments.names, f"{summary['names']} names")
        check(summary["servers"] >= arguments.pools * arguments.servers,
              f"{summary['servers']} servers")
        for form in ("html", "json", "prometheus"):
            times = []
            for _ in range(arguments.asks):
                took, body = ask(ports["status_port"], form)
                times.append(took * 1000)
            print(f"        {form}: {len(body)} bytes, median {statistics.median(times):.1f} ms, "
                  f"slowest {max(times):.1f} ms")
    finally:
        stop.set()
        nginx.stop()
    return check.end() or proof_nginx.end(arguments, nginx.complaints())


if __name__ == "__main__":
    sys.exit(main())
