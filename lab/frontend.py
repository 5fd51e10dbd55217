#!/usr/bin/env python3
"""Runs all stand-in servers, or those named.

    frontend.py [--pki DIR] [SERVER ...]

`lab` starts one process per server, so that a single Front End can be stopped; without
arguments one process runs the whole deployment. Requests are logged to standard output.
"""

from __future__ import annotations

import sys

sys.dont_write_bytecode = True

import argparse
import asyncio
import signal
import ssl
import time
from pathlib import Path

import answers
import httpd
import office
import processes
import topology
from replies import Here, lab_headers, product_headers

ROLES = {
    "front_end": answers.front_end,
    "director": answers.front_end,
    "office_web_apps": office.office_web_apps,
    "exchange": office.exchange,
}


def handler_for(here: Here) -> httpd.Handler:
    role = ROLES[here.farm.role]

    async def handler(request: httpd.Request) -> httpd.Response:
        started = time.monotonic()
        response = await role(request, here)
        product_headers(request, here, response)
        lab_headers(request, here, response)
        print("%s %s %s \"%s\" host=%s %d %.3fs" % (
            time.strftime("%H:%M:%S"), here.server.short, here.site.label,
            httpd.printable(request.raw_line), httpd.printable(request.host),
            response.status, time.monotonic() - started), flush=True)
        return response

    return handler


def tls_context(pki: Path, farm: topology.Farm) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(pki / (farm.fqdn + ".pem"), pki / (farm.fqdn + ".key"))
    context.set_alpn_protocols(["http/1.1"])

    def remember_name(tls, name, _context):
        tls.lab_sni = name

    context.sni_callback = remember_name
    return context


async def run(names: list[str], pki: Path) -> None:
    listeners = []
    for farm, server in topology.servers():
        if names and server.name not in names and server.short not in names:
            continue
        for site in farm.sites:
            tls = tls_context(pki, farm) if site.tls else None
            try:
                listeners.append(await httpd.listen(server.address, site.port, tls,
                                                    handler_for(Here(farm, server, site)),
                                                    "Microsoft-IIS/10.0"))
            except OSError as error:
                sys.exit("%s can't listen on %s:%d: %s"
                         % (server.name, server.address, site.port, error.strerror))

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    for listener in listeners:
        listener.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="Run the lab's stand-in servers.")
    parser.add_argument("--pki", type=Path, required=True, help="directory of the certificates")
    parser.add_argument("servers", nargs="*", help="FQDN or first label; default: all")
    options = parser.parse_args()
    for name in options.servers:
        if not topology.find_server(name):
            parser.error("no server \"%s\"; there are %s"
                         % (name, ", ".join(s.short for _, s in topology.servers())))

    processes.raise_file_limit()
    asyncio.run(run(options.servers, options.pki))


if __name__ == "__main__":
    main()
