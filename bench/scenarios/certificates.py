"""CPU of `nginx -t` with a certificate for each of many SIP domains, beside a hand-written
configuration with a server for each, and how it grows with their number."""

from __future__ import annotations

from pathlib import Path

import cpu
import pairs
import pki
import processes
import report
from settings import BenchError, Settings, free_ports

TITLE = "nginx -t, a certificate for each domain"
BOUND = 2.0
COUNTS = (500, 1000, 2000)
QUICK_COUNTS = (50, 100)
DOUBLING_BOUND = 2.4  # twice as many certificates; 2 is linear

HEAD = """pid @DIR@/nginx.pid;
error_log @DIR@/error.log warn;
events { worker_connections 64; }
"""
HANDWRITTEN = HEAD + """http {
    access_log off;
    server_names_hash_max_size 11000;
    server_names_hash_bucket_size 1024;
    proxy_ssl_verify on;
    proxy_ssl_trusted_certificate @PKI@/internal-ca.pem;
    upstream pool { server 127.0.0.21:4443; }
    server { listen 127.0.0.1:@HTTPS@ ssl; server_name lyncwebext.contoso.com;
        ssl_certificate @PKI@/listener.pem; ssl_certificate_key @PKI@/listener.key;
        location / { proxy_pass https://pool; } }
@DOMAINS@}
"""
PUBLISHED = "load_module @MODULE@;\n" + HEAD + """http {
    access_log off;
    lync_publish contoso {
        http_listen 127.0.0.1:@HTTP@;
        https_listen 127.0.0.1:@HTTPS@;
        certificate @PKI@/listener.pem @PKI@/listener.key;
        trusted_ca @PKI@/internal-ca.pem;
        pool fepool.contoso.local { server 127.0.0.21;
            external_web_services lyncwebext.contoso.com; }
@DOMAINS@    }
}
"""
SIDES = (("hand-written", HANDWRITTEN,
          "    server {{ listen 127.0.0.1:@HTTPS@ ssl; server_name lyncdiscover.{0};\n"
          "        ssl_certificate {1}.pem; ssl_certificate_key {1}.key;\n"
          "        location / {{ proxy_pass https://pool; }} }}\n"),
         ("lync_publish", PUBLISHED,
          "        sip_domain {0}; certificate {1}.pem {1}.key;\n"))


def domain(number: int) -> str:
    return f"customer{number}.example"


class Configurations:
    """Both sides with a number of certificates, each in files of its own."""

    def __init__(self, run: Settings, most: int):
        self.run = run
        self.pki = run.build / "pki"
        pki.ensure(self.pki)
        self.many = self.pki / "many"
        pki.issue_many(self.pki, self.many, [f"lyncdiscover.{domain(i)}" for i in range(most)])
        self.ports = free_ports(2, ["127.0.0.1"])

    def write(self, side: int, count: int) -> Path:
        name, text, line = SIDES[side]
        directory = self.run.directory(f"certificates-{name}-{count}")
        lines = "".join(line.format(domain(i), self.many / str(i)) for i in range(count))
        for word, value in (("DOMAINS", lines), ("DIR", directory), ("PKI", self.pki),
                            ("MODULE", self.run.module), ("HTTP", self.ports[0]),
                            ("HTTPS", self.ports[1])):
            text = text.replace(f"@{word}@", str(value))
        (directory / "nginx.conf").write_text(text)
        return directory

    def test(self, directory: Path) -> float:
        """CPU milliseconds of `nginx -t`."""
        seconds, status, said = cpu.run_for_cpu(
            [*processes.command(self.run.nginx, directory), "-t"], self.run.proxy_core)
        if status != 0:
            raise BenchError(f"nginx -t in {directory}: {said.strip()[-2000:]}")
        return seconds * 1e3


def measure(run: Settings) -> list[pairs.Comparison]:
    counts = QUICK_COUNTS if run.quick else COUNTS
    both = Configurations(run, counts[-1])
    found: list[pairs.Comparison] = []
    directories: list[Path] = []
    for count in (1, *counts):
        directories = [both.write(side, count) for side in (0, 1)]
        comparison = pairs.Comparison(f"nginx -t, certificates: {count:,}", "ms",
                                      BOUND if count == counts[-1] else None,
                                      sides=(SIDES[0][0], SIDES[1][0]))
        comparison.pairs = pairs.measure_pairs(
            run.pairs, lambda side: both.test(directories[side]))
        found.append(comparison)
        print(report.line(comparison), flush=True)

    # What many cost beside half as many, both without what a publication of one costs.
    base = found[0].medians[1]
    sizes = [both.write(1, count) for count in counts[-2:]]
    found.append(pairs.Comparison("nginx -t, twice as many certificates", "ms",
                                  None if run.quick else DOUBLING_BOUND, note="2.0 is linear",
                                  sides=(f"{counts[-2]:,}", f"{counts[-1]:,}")))
    found[-1].pairs = pairs.measure_pairs(run.pairs, lambda side: both.test(sizes[side]) - base)
    print(report.line(found[-1]), flush=True)
    return found
