"""The doctor in the lab: a real nginx with the module, the stand-in deployment behind it, and what an
administrator gets wrong in nginx.conf or on a server."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field

import pki
import processes
import settings
import topology


@dataclass
class LabCase:
    name: str
    proxy: bool = False
    finds: tuple = ()
    says: tuple = ()
    at: dict = field(default_factory=dict)
    edits: tuple = ()           # (old, new) pairs in the nginx.conf that nginx and lyncctl read
    reader_edits: tuple | None = None   # those of lyncctl's, if another: nginx wasn't reloaded
    stopped: tuple = ()         # stand-ins
    arguments: tuple = ()
    status: int | None = None

    @property
    def notes(self) -> tuple:
        """Exchange in the lab has a certificate of its own."""
        return ("(0xC000035B): the certificates differ",) if self.proxy else ()


FE1 = "%s.11" % topology.NET
SECOND = "%s.13" % topology.NET
WEB2 = "webext.fabrikam.com"
INTERNAL_PORTS = (("listening_ports        http=8080 https=4443;",
                   "listening_ports        http=10080 https=10443;"),)
SWAPPED = (("server                 %s;" % SECOND, "server                 %s;" % FE1),)
OTHER_CA = (("pki/internal-ca.pem", "pki/public-ca.pem"),)
NO_WINDOWS = (("product      sfb_2019;", "product sfb_2019; sign_in password oauth;"),)
NOT_LOADED = (("simple_url  meet    https://meet.fabrikam.com;", ""),)


CASES = [
    LabCase("lab: healthy, from outside"),
    LabCase("lab: healthy, from the proxy", proxy=True),
    LabCase("lab: sign-in through the publication", arguments=("--user", "CONTOSO\\kenmyer")),
    LabCase("lab: sign_in closes windows", edits=NO_WINDOWS),
    LabCase("lab: the same, from the proxy", proxy=True, edits=NO_WINDOWS),
    LabCase("lab: sign_in closes windows, and nginx wasn't reloaded", edits=(),
            reader_edits=NO_WINDOWS, finds=("closed-door-open",) * 4),
    LabCase("lab: the second pool's listening ports are the internal web site's",
            edits=INTERNAL_PORTS, finds=("autodiscover-internal",),
            at={"autodiscover-internal": [
                "https://%s/Autodiscover/AutodiscoverService.svc/root" % WEB2]}),
    LabCase("lab: the same, from the proxy", proxy=True, edits=INTERNAL_PORTS,
            finds=("autodiscover-internal",),
            at={"autodiscover-internal": [
                "%s:10443/Autodiscover/AutodiscoverService.svc/root" % SECOND,
                "%s:10080" % SECOND]}),
    LabCase("lab: the second pool's server belongs to the first pool", edits=SWAPPED,
            finds=("http-unavailable",)),
    LabCase("lab: trusted_ca is another CA", edits=OTHER_CA, finds=("http-unavailable",)),
    LabCase("lab: nginx wasn't reloaded and doesn't know a name", edits=NOT_LOADED,
            reader_edits=(), finds=("http-closed",),
            at={"http-closed": ["http://meet.fabrikam.com/", "https://meet.fabrikam.com/"]}),
    LabCase("lab: one of two Front Ends is stopped", stopped=("fe2",)),
    LabCase("lab: the same, from the proxy", proxy=True, stopped=("fe2",),
            finds=("port-closed",),
            at={"port-closed": ["%s.12:4443" % topology.NET, "%s.12:8080" % topology.NET]}),
    LabCase("lab: the only Front End of a pool is stopped", stopped=("fe3",),
            finds=("http-unavailable",)),
]


class Lab:
    """Runs while a `with` block lasts."""

    def __init__(self) -> None:
        self._conf = ""

    def __enter__(self) -> "Lab":
        for directory in (settings.LAB_DIR, settings.LOGS, settings.PIDS,
                          settings.LAB_DIR / "temp"):
            directory.mkdir(parents=True, exist_ok=True)
        for name in processes.recorded():
            processes.stop(name)
        pki.ensure(settings.PKI)
        processes.start_stand_ins()
        return self

    def __exit__(self, *exception) -> None:
        for name in processes.recorded():
            processes.stop(name)

    @contextlib.contextmanager
    def playing(self, case: LabCase):
        """The world of a case; gives the nginx.conf that lyncctl is to read."""
        for name in case.stopped:
            processes.stop(name)
        try:
            self._run_nginx(self._conf_with(case.edits))
            conf = settings.CONF
            if case.reader_edits is not None:
                conf = settings.LAB_DIR / "not-loaded.conf"
                conf.write_text(self._conf_with(case.reader_edits))
            yield conf
        finally:
            processes.start_stand_ins(case.stopped)

    @staticmethod
    def _conf_with(edits) -> str:
        text = settings.TEMPLATE.read_text().replace("@MODULE@", str(settings.MODULE)) \
            .replace("127.0.0.", topology.NET + ".")
        for old, new in edits:
            if old not in text:
                raise AssertionError("the lab's nginx.conf has no \"%s\"" % old)
            text = text.replace(old, new)
        return text

    def _run_nginx(self, conf: str) -> None:
        """A fresh nginx for every configuration, and after every stopped server: what the last one
        learned of its servers is forgotten."""
        processes.stop("nginx")
        settings.CONF.write_text(conf)
        preload = os.environ.get("TEST_NGINX_LD_PRELOAD")
        if preload:     # a sanitized module
            os.environ["LD_PRELOAD"] = preload
        try:
            processes.start_nginx()
        finally:
            os.environ.pop("LD_PRELOAD", None)


ARGUMENTS = ("--connect-to", ":443:%s:%d" % (topology.PROXY_ADDRESS, topology.PROXY_HTTPS),
             "--connect-to", ":80:%s:%d" % (topology.PROXY_ADDRESS, topology.PROXY_HTTP),
             "--ca", str(settings.PKI / "public-ca.pem"))
