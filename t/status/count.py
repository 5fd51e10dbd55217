#!/usr/bin/env python3
"""Counters equal the number of requests sent: many requests by several clients at once, two workers,
reloads in between, and the sums of the status compared with what the clients counted.

    BUILD=build t/status/count.py [--requests 100000] [--reloads 3] [--clients 8]

Every kind of answer takes part: passed on, redirected, refused, answered by the server with 401 and
500. Prints what was sent and what was counted; exit status 1 if they differ.
"""

from __future__ import annotations

import collections
import http.client
import os
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../lib")

import proof_nginx
from proof_nginx import free_port

# (scheme, host, method, path) -> (status, verdict, reason)
KINDS = [
    (("http", "lyncdiscover.other.example", "GET", "/"), (200, "pass", None)),
    (("http", "lyncdiscover.other.example", "GET", "/autodiscover/status401"), (401, "pass", None)),
    (("http", "lyncdiscover.other.example", "GET", "/autodiscover/status500"), (500, "pass", None)),
    (("http", "lyncwebext.contoso.com", "GET", "/abs/handler"), (301, "redirect", None)),
    (("http", "lyncwebext.contoso.com", "GET", "/cscp/"), (404, "refuse", "admin")),
    (("http", "lyncdiscover.other.example", "GET", "/cscp/"), (404, "refuse", "admin")),
]

SITE = """\
    server {{
        listen 127.0.0.1:{server_port};
        keepalive_requests 100000;
        location / {{ return 200 "ok"; }}
        location /autodiscover/status401 {{ return 401; }}
        location /autodiscover/status500 {{ return 500; }}
    }}
    server {{ listen 127.0.0.1:{status_port}; location / {{ lync_status; }} }}
    lync_publish count {{
        sip_domain contoso.com other.example;
        certificate {pki}/public.pem {pki}/public.key;
        trusted_ca {pki}/internal-ca.pem;
        http_listen 127.0.0.1:{http_port};
        https_listen 127.0.0.1:{https_port};
        pool fepool.contoso.local {{
            server 127.0.0.1;
            external_web_services lyncwebext.contoso.com;
            listening_ports http={server_port};
            health_check off;
        }}
    }}
"""


def client(port: int, number: int, requests: int, sent: collections.Counter, lock, gate):
    mine: collections.Counter = collections.Counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for index in range(requests):
        (_, host, method, path), (status, _, _) = KINDS[(number + index) % len(KINDS)]
        for attempt in (1, 2):
            try:
                connection.request(method, path, headers={"Host": host})
                answer = connection.getresponse()
                answer.read()
                break
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                # A worker that ends closes idle connections: such a request was never read.
                connection.close()
                if attempt == 2:
                    raise
        if answer.status != status:
            raise AssertionError(f"{host}{path}: {answer.status}, not {status}")
        mine[(number + index) % len(KINDS)] += 1
        gate.tick()
    connection.close()
    with lock:
        sent.update(mine)


class Gate:
    """Counts all requests and calls `reload` at even distances."""

    def __init__(self, requests: int, reloads: int, reload):
        self.due = [requests * (i + 1) // (reloads + 1) for i in range(reloads)]
        self.reload, self.count, self.lock = reload, 0, threading.Lock()

    def tick(self):
        with self.lock:
            self.count += 1
            if self.due and self.count >= self.due[0]:
                self.due.pop(0)
                self.reload()


def compare(sent: collections.Counter, publication: dict) -> list[tuple[str, int, int]]:
    """(what, sent, counted)"""
    verdicts, reasons, statuses = (collections.Counter() for _ in range(3))
    for kind, number in sent.items():
        code, verdict, reason = KINDS[kind][1]
        verdicts[verdict] += number
        statuses[f"{code // 100}xx"] += number
        if reason:
            reasons[reason] += number
    services = publication["services"]
    found = [(f"verdict {name}", verdicts[name], publication["verdicts"][name])
             for name in ("pass", "redirect", "refuse", "none")]
    found += [(f"refused {name}", number, publication["refusals"][name])
              for name, number in reasons.items()]
    found += [(f"answers {name}", statuses[name], sum(s["statuses"][name] for s in services))
              for name in ("2xx", "3xx", "4xx", "5xx")]
    unauthorized = sum(n for kind, n in sent.items() if KINDS[kind][1][0] == 401)
    found.append(("answers 401", unauthorized, sum(s["unauthorized"] for s in services)))
    found.append(("times of services", verdicts["pass"],
                  sum(s["duration"]["count"] for s in services)))
    servers = [server for pool in publication["pools"] for server in pool["servers"]]
    found.append(("requests of servers", verdicts["pass"], sum(s["requests"] for s in servers)))
    found.append(("times of servers", verdicts["pass"],
                  sum(s["response_time"]["count"] for s in servers)))
    found.append(("in flight", 0, sum(s["in_flight"] for s in servers)))
    found.append(("all", sum(sent.values()), sum(s["requests"] for s in services)))
    return found


def main() -> int:
    arguments = proof_nginx.options(__doc__, "count", requests=100_000, reloads=3, clients=8)
    ports = {name: free_port() for name in
             ("server_port", "status_port", "http_port", "https_port")}
    nginx = proof_nginx.Nginx(
        arguments.nginx, arguments.dir,
        proof_nginx.configuration(arguments.dir, SITE.format(pki=arguments.pki, **ports),
                                  module=arguments.module, workers=2, level="notice"),
        ports["status_port"])
    try:
        sent: collections.Counter = collections.Counter()
        gate = Gate(arguments.requests, arguments.reloads, nginx.reload)
        lock, threads, failures = threading.Lock(), [], []

        def work(number: int):
            try:
                client(ports["http_port"], number, arguments.requests // arguments.clients, sent,
                       lock, gate)
            except Exception as failure:    # told by the main thread
                failures.append(failure)

        began = time.monotonic()
        for number in range(arguments.clients):
            threads.append(threading.Thread(target=work, args=(number,)))
            threads[-1].start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        took = time.monotonic() - began

        # The log phase of the last requests comes a moment after their answers.
        for _ in range(200):
            publication = proof_nginx.status(ports["status_port"])["publications"][0]
            found = compare(sent, publication)
            if all(want == got for _, want, got in found):
                break
            time.sleep(0.1)
        print(f"{sum(sent.values())} requests, {arguments.clients} clients, 2 workers, "
              f"{arguments.reloads} reloads, {took:.0f} s")
        for what, want, got in found:
            print(f"{'ok     ' if want == got else 'NOT OK '} {what}: sent {want}, counted {got}")
    finally:
        nginx.stop()
    return proof_nginx.end(arguments, [what for what, want, got in found if want != got] + nginx.complaints())


if __name__ == "__main__":
    sys.exit(main())
