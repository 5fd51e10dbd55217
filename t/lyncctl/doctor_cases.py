"""The deliberate faults, one row each: what is wrong, and exactly what lyncctl doctor must find."""

from __future__ import annotations

import asyncio
import gzip
import re
import ssl
from dataclasses import dataclass, field, replace

import doctor_world as world
from autodiscover import ROOT, XML_TYPE
from doctor_world import DISCOVERY, ELSEWHERE, HERE, NAMES, SERVER, WEB, World, dns_with
from httpd import Request, Response

ROOT = ROOT.lower()


@dataclass
class Case:
    name: str
    world: World
    finds: tuple | None = ()    # ids, each exactly once; None: whichever, see most_findings
    says: tuple = ()            # texts that the findings must hold
    at: dict = field(default_factory=dict)  # id -> where, exactly
    status: int | None = None   # exit status, if not 0 without and 1 with findings
    notes: tuple = ()           # texts on standard error, which is empty otherwise
    shown: tuple = ()           # texts in the sentences (--format table) of a second run
    most_findings: int = 0      # where `finds` is None: how many there may be, and at least one
    most_requests: int = 0      # that reach the publication


# -- faults: a request in, a wrong answer out ------------------------------------------------

def always(status: int, headers=(), body: bytes = b""):
    return lambda request: Response(status, list(headers), body)


def for_host(host: str, *arguments):
    return lambda request: Response(*arguments) if request.host_name == host else None


def for_path(pattern: str, status: int, headers=(), body: bytes = b""):
    matches = re.compile(pattern, re.IGNORECASE).search
    return lambda request: Response(status, list(headers), body) if matches(request.path) else None


def is_root(request: Request) -> bool:
    return request.path in ("/", ROOT) and request.host_name in (DISCOVERY, WEB)


def document(inner: str, location: str = "External") -> Response:
    return Response(200, [("Content-Type", XML_TYPE)],
                    ('<AutodiscoverResponse AccessLocation="%s">%s</AutodiscoverResponse>'
                     % (location, inner)).encode())


def root_document(inner: str, **how):
    return lambda request: document(inner, **how) if is_root(request) else None


def links(**tokens) -> str:
    return "<Root>%s</Root>" % "".join(
        '<Link token="%s" href="%s"/>' % item for item in tokens.items())


def drop_header(pattern: str, name: str, starting: str = ""):
    """Takes header lines away from good answers."""
    matches = re.compile(pattern, re.IGNORECASE).search

    def change(request: Request, response: Response) -> None:
        if matches(request.path):
            response.headers = [(n, v) for n, v in response.headers
                                if n.lower() != name.lower() or not v.startswith(starting)]
    return change


def replace_in_body(old: bytes, new: bytes, pattern: str = ""):
    matches = re.compile(pattern, re.IGNORECASE).search

    def change(request: Request, response: Response) -> None:
        if isinstance(response.body, bytes) and matches(request.path):
            response.body = response.body.replace(old, new)
    return change


async def never(request: Request) -> Response:
    await asyncio.sleep(30)
    return Response(200)


PAGE = (b"<!DOCTYPE html><html><head><title>Guest Wi-Fi: please accept the terms</title></head>"
        b"</html>")
WELCOME = b"<!DOCTYPE html><html><head><title>Welcome to nginx!</title></head></html>"
HTML = (("Content-Type", "text/html"),)

TLS10 = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
TLS_ALL = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_3)

FULL = dict(User="https://%s%s/user" % (WEB, ROOT), Domain="https://%s%s/domain" % (WEB, ROOT))

_pki: list = []


def use(pki) -> None:
    """The certificates that tls_talker takes."""
    _pki[:] = [pki]


def behind_tls(talk):
    return world.talker(talk, lambda: world.tls_context(_pki[0], "public"))


def certificate(name: str, **more) -> World:
    return World(certificate=name, **more)


# The certificate covers no lyncdiscover name: clients ask over plain HTTP.
OVER_HTTP = World(certificate="no-lyncdiscover", conf_certificate="no-lyncdiscover",
                  published_on_http=(DISCOVERY,), office=False)

# The paths of another machine.
NO_CERTIFICATE = (("certificate  /", "certificate  /nonexistent/listener.pem /nonexistent.key; # /"),)
ANY_DOMAIN = (("sip_domain   contoso.com", "sip_domain   *"),
              ("https://meet.contoso.com", "https://meet.*"))

OUTSIDE = [
    Case("healthy", World()),
    Case("healthy, with names from the DNS", World(dns=dns_with())),
    Case("healthy, lyncdiscover over plain HTTP", replace(OVER_HTTP)),
    Case("healthy, an alias within the domain", World(
        dns=dns_with(lyncdiscover__contoso__com=("alias meet.contoso.com", HERE)))),
    Case("healthy, with --resolve for any name", World(resolve="*:443:" + HERE)),
    Case("healthy, the block alone, without certificates", World(
        edits=NO_CERTIFICATE + (("/internal-ca.pem", "/nonexistent.pem"),
                                ("events {}\nhttp {\n", ""), ("    }\n}\n", "    }\n")),
        arguments=("--fragment",))),
    Case("healthy, a block without a certificate", World(
        edits=(("certificate  /", "# certificate  /"), ("trusted_ca ", "# trusted_ca ")))),
    Case("an expired certificate in the configuration", World(conf_certificate="expired")),
    Case("a mistake after the publication", World(
        edits=(("    }\n}\n", "    }\n    lync_publish fabrikam { sip_domian fabrikam.com; }\n}\n"),)),
         notes=("sip_domian", "what comes after it isn't checked"), status=2),
    Case("names for any domain need --domain", World(edits=ANY_DOMAIN),
         notes=("lyncdiscover.* stands for any domain", "meet.* stands")),
    Case("names for any domain, with --domain", World(
        edits=ANY_DOMAIN, arguments=("--domain", "contoso.com"))),
    Case("healthy, a page that sends to the web app", World(
        fault=for_host("meet.contoso.com", 302, [("Location", "https://%s/lwa/" % WEB)]))),

    # the port flip
    Case("no port flip: the internal web site answers", World(internal=True),
         ("autodiscover-internal",), ("AccessLocation Internal",),
         at={"autodiscover-internal": ["https://%s/" % DISCOVERY, "https://%s%s" % (
             WEB, "/Autodiscover/AutodiscoverService.svc/root")]}),
    Case("no port flip for plain HTTP", replace(
        OVER_HTTP, http_fault=root_document(links(**FULL), location="Internal")),
         ("autodiscover-internal",),
         at={"autodiscover-internal": ["http://%s/" % DISCOVERY]}),
    Case("the Control Panel is published", World(
        fault=for_path("^/cscp", 200, HTML, b"<title>Control Panel</title>")),
         ("control-panel-reachable",)),
    Case("the Control Panel asks for a password", World(
        fault=for_path("^/cscp", 401, [("WWW-Authenticate", "Negotiate")])),
         ("control-panel-reachable",)),

    # DNS
    Case("a name doesn't exist", World(
        dns=dns_with(meet__contoso__com=world.NXDOMAIN)), ("dns-no-address",),
         at={"dns-no-address": ["meet.contoso.com"]}),
    Case("a name has no address", World(
        dns=dns_with(dialin__contoso__com=world.NO_DATA)), ("dns-no-address",),
         at={"dns-no-address": ["dialin.contoso.com"]}),
    Case("a sinkhole answers for a name", World(
        dns=dns_with(dialin__contoso__com=("0.0.0.0",))), ("dns-no-address",), ("0.0.0.0",),
         at={"dns-no-address": ["dialin.contoso.com"]}),
    Case("the DNS fails", World(
        dns=dns_with(meet__contoso__com=world.SERVFAIL)), ("dns-failed",)),
    Case("no DNS at all", World(dns=dict.fromkeys(NAMES, world.SILENCE), timeout=0.4),
         ("dns-failed",), at={"dns-failed": list(NAMES)}),
    Case("a name leads to a Front End", World(
        dns=dns_with(lyncwebext__contoso__com=(SERVER,))), ("dns-past-proxy",), (SERVER,)),
    Case("a name leads to another machine, where nothing listens", World(
        dns=dns_with(meet__contoso__com=(ELSEWHERE,))), ("dns-elsewhere",), (ELSEWHERE, HERE),
         at={"dns-elsewhere": ["meet.contoso.com"]}),
    Case("lyncdiscover is an alias in another domain", World(
        dns=dns_with(lyncdiscover__contoso__com=("alias webdir.online.example.net", HERE))),
         ("dns-cname-foreign",), ("webdir.online.example.net",)),
    Case("lyncdiscoverinternal has a public address", World(
        dns=dns_with(lyncdiscoverinternal__contoso__com=("203.0.113.7",))),
         ("dns-internal-visible",), ("203.0.113.7",)),
    Case("lyncdiscoverinternal has a private address, as inside", World(
        dns=dns_with(lyncdiscoverinternal__contoso__com=("10.1.2.3",)))),
    Case("lyncdiscoverinternal is kept from answering", World(
        dns=dns_with(lyncdiscoverinternal__contoso__com=("0.0.0.0",)))),

    # TCP
    Case("443 is closed", World(https_socket=world.closed_port), ("port-closed",),
         at={"port-closed": list(NAMES)}),
    Case("443 is dropped by a firewall", World(https_socket=world.unanswered_port, timeout=2),
         ("port-timed-out",), at={"port-timed-out": list(NAMES)}),
    Case("80 is closed", World(http_socket=world.closed_port), ("http-port-closed",)),
    Case("80 is closed, and clients need it", replace(OVER_HTTP, http_socket=world.closed_port),
         ("port-closed",), at={"port-closed": [DISCOVERY, "meet.contoso.com", "dialin.contoso.com"]}),

    # TLS
    Case("443 speaks plain HTTP", World(https_socket=world.speaks_plain_http), ("tls-not-tls",)),
    Case("443 hangs up", World(https_socket=world.hangs_up), ("tls-closed",)),
    Case("the handshake fails", World(https_socket=world.alerts), ("tls-failed",),
         ("handshake failure",)),
    Case("443 accepts and says nothing", World(https_socket=world.silent, timeout=2),
         ("tls-timed-out",)),
    Case("TLS 1.1 at most", World(versions=TLS10), ("tls-old-only",), ("TLSv1.1",)),
    Case("TLS 1.0 still accepted", World(versions=TLS_ALL), ("tls-old-accepted",)),
    Case("HTTP/2 preferred", World(alpn=("h2", "http/1.1")), ("http2-chosen",)),

    # certificates
    Case("a self-signed certificate", certificate("doctor-self-signed"),
         ("certificate-untrusted",), at={"certificate-untrusted": list(NAMES)}),
    Case("an expired certificate", certificate("expired"), ("certificate-expired",)),
    Case("a certificate of tomorrow", certificate("not-yet-valid"),
         ("certificate-not-yet-valid",)),
    Case("20 days of 120 left", certificate("20-days-left"), ("certificate-expires-soon",)),
    Case("5 days of 105 left", certificate("5-days-left"), ("certificate-nearly-expired",)),
    Case("a CA that clients do not know", certificate("doctor-untrusted"), ("certificate-untrusted",),
         ("Other CA",)),
    Case("the intermediate CA's certificate is missing", certificate("doctor-alone"),
         ("certificate-chain",)),
    Case("meet is missing in the certificate", certificate("doctor-no-meet"),
         ("certificate-name",), at={"certificate-name": ["meet.contoso.com"]}),
    Case("the common name of a certificate", certificate(WEB),
         ("certificate-name", "http-autodiscover-redirected"),
         at={"certificate-name": [n for n in NAMES if n != DISCOVERY]}),
    Case("RSA of 1024 bits", certificate("rsa1024"), ("certificate-invalid",)),
    Case("not a server's certificate", certificate("doctor-client-only"),
         ("certificate-invalid",)),

    # plain HTTP
    Case("plain HTTP of lyncdiscover is redirected, and clients need it", replace(
        OVER_HTTP, published_on_http=()), ("http-autodiscover-redirected",)),
    Case("plain HTTP isn't redirected", World(http_fault=always(200, HTML, WELCOME)),
         ("http-redirect-missing",)),
    Case("plain HTTP is redirected to another host", World(
        http_fault=always(302, [("Location", "https://portal.example.net/")])),
         ("http-redirect-missing",), ("portal.example.net",)),

    # whatever answers
    Case("an intercepting proxy's page", World(fault=always(200, HTML, PAGE)),
         ("http-foreign-page",), ("Guest Wi-Fi",)),
    Case("a welcome page answers for meet", World(
        fault=for_host("meet.contoso.com", 200, list(HTML), WELCOME)), ("http-foreign-page",),
         ("Welcome to nginx!",)),
    Case("503", World(fault=for_host(WEB, 503, list(HTML), b"")), ("http-unavailable",)),
    Case("an application error", World(fault=for_path("^/webticket/.*/mex$", 500, HTML, b"")),
         ("http-server-error",)),
    Case("pre-authentication by the proxy", World(
        fault=for_host("dialin.contoso.com", 401, [("WWW-Authenticate", "Basic realm=x")])),
         ("http-preauthentication",)),
    Case("a page isn't there", World(fault=for_host("meet.contoso.com", 404, list(HTML), b"")),
         ("http-refused",)),
    Case("everything is refused", World(
        fault=always(403, HTML, b"<title>403 Forbidden</title>")),
         ("http-refused",), ("403 Forbidden",)),
    Case("nothing is answered in time", World(fault=never, timeout=1.5),
         ("http-timed-out",)),
    Case("no answer at all", World(https_socket=behind_tls(world.close_at_once)),
         ("http-closed",)),
    Case("not HTTP", World(https_socket=behind_tls(world.say_garbage)),
         ("http-malformed",)),
    Case("an answer without end", World(
        fault=lambda request: Response(200, [("Content-Type", XML_TYPE)], _flood(), None)
        if is_root(request) else None), ("http-too-large",)),

    # autodiscover
    Case("lyncdiscover is redirected over https", World(
        fault=for_host(DISCOVERY, 302, [("Location", "https://portal.example.net/")])),
         ("http-redirect",), ("portal.example.net",)),
    Case("the answer names an internal host", World(
        change=replace_in_body(b"https://lyncwebext.contoso.com", b"https://fe1.contoso.local",
                               "^/$|/root$")),
         ("link-not-published",), ("fe1.contoso.local",)),
    Case("the answer names port 4443", World(
        change=replace_in_body(b"https://lyncwebext.contoso.com", b"https://lyncwebext.contoso.com:4443",
                               "^/$|/root$")),
         ("link-not-https",), (":4443",)),
    Case("the answer names plain HTTP", World(
        change=replace_in_body(b"https://lyncwebext.contoso.com", b"http://lyncwebext.contoso.com",
                               "^/$|/root$")),
         ("link-not-https",)),
    Case("the answer lacks the User link", World(
        fault=root_document(links(Domain=FULL["Domain"]))),
         ("autodiscover-incomplete", "autodiscover-incomplete"), ("User",)),
    Case("Redirect links lead in a circle", World(
        fault=root_document(links(Redirect="https://%s/autodiscover/autodiscoverservice.svc/root"
                                  % WEB))), ("autodiscover-loop",)),
    Case("half a document", World(
        fault=lambda r: Response(200, [("Content-Type", XML_TYPE)], b"<AutodiscoverResponse><Ro")
        if is_root(r) else None), ("autodiscover-malformed",)),
    Case("an entity bomb", World(
        fault=lambda r: Response(200, [("Content-Type", XML_TYPE)], BOMB) if is_root(r) else None),
         ("autodiscover-malformed",)),
    Case("no address of the ticket service", World(
        change=drop_header("/root/user$", "X-MS-WebTicketURL")), ("ticket-url-missing",)),
    Case("the ticket service has an internal name", World(
        change=lambda request, response: setattr(response, "headers", [
            (n, v.replace(WEB, "webint.contoso.local")) for n, v in response.headers])),
         ("link-not-published",), ("webint.contoso.local",)),
    Case("one of two challenges is lost", World(
        change=drop_header("/oauth/user$", "WWW-Authenticate", "MsRtcOAuth")),
         ("oauth-challenge-incomplete",), ("MsRtcOAuth",)),
    Case("both challenges are lost", World(
        change=drop_header("/oauth/user$", "WWW-Authenticate")),
         ("oauth-challenge-incomplete",), ("neither a Bearer nor an MsRtcOAuth line",)),

    # services
    Case("no challenge at the address book", World(
        change=drop_header("^/abs/", "WWW-Authenticate")), ("challenge-missing",)),
    Case("the proxy's own challenge", World(
        fault=for_path("^/abs/", 401, [("WWW-Authenticate", 'Basic realm="proxy"')])),
         ("challenge-missing",), ("Basic",)),
    Case("no description of the web ticket service", World(
        fault=for_path("/mex$", 200, HTML, b"<html><title>Not today</title></html>")),
         ("http-foreign-page",), ("Not today",)),
    Case("Office Web Apps names a host that isn't published", World(
        change=replace_in_body(b"https://wacext.contoso.com", b"https://wac.contoso.local",
                               "^/hosting/")), ("link-not-published",), ("wac.contoso.local",)),
    Case("Office Web Apps offloads TLS", World(
        change=replace_in_body(b"https://wacext.contoso.com", b"http://wacext.contoso.com",
                               "^/hosting/")), ("link-not-https",)),

    # control characters of a stranger don't reach the terminal
    Case("escape sequences in an answer", World(
        fault=for_host("meet.contoso.com", 200, list(HTML), b"<title>\x1b[2J\x07bad</title>")),
         ("http-foreign-page",), ("?[2J?bad",), shown=("?[2J?bad",)),

    # signing in
    Case("sign-in", World(arguments=("--user", "CONTOSO\\kenmyer")),
         shown=("signed in at", "\nno finding after ")),
    Case("sign-in is refused", World(
        fault=lambda request: _after_ntlm(request, refuse=True),
        arguments=("--user", "CONTOSO\\kenmyer")), ("sign-in-refused",), ("kenmyer",)),
    Case("the handshake loses its connection", World(
        fault=lambda request: _after_ntlm(request, refuse=False),
        arguments=("--user", "CONTOSO\\kenmyer")), ("sign-in-broken",)),
    Case("no sign-in where the certificate is wrong", World(
        certificate="doctor-untrusted", arguments=("--user", "CONTOSO\\kenmyer")),
         ("certificate-untrusted",), notes=("no sign-in at ",)),
]

BOMB = (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x0 "ha">'
        + b"".join(b'<!ENTITY x%d "&x%d;&x%d;">' % (i + 1, i, i) for i in range(30))
        + b'<!ENTITY f SYSTEM "file:///etc/passwd">]><a>&x30;&f;</a>')


async def _flood():
    for _ in range(64):     # 4 MB, far more than any answer has
        yield b" " * 65536


def _after_ntlm(request: Request, refuse: bool):
    """The server's part of NTLM is the lab's; here the third message is refused, or its connection
    was closed before."""
    from windows_auth import challenge
    value = request.header("Authorization") or ""
    if not value.startswith("NTLM "):
        return None
    if refuse:
        return challenge() if len(value) > 120 else None
    return challenge("no challenge on this connection")


# -- servers that mean harm: a run ends in time, with a finding, whatever they send -----------

class Count:
    """Counts requests, for links without end."""

    def __init__(self):
        self.value = 0

    def next(self) -> int:
        self.value += 1
        return self.value


def endless(token: str, count: Count):
    """Each document links to another one."""
    return lambda request: document(links(User=FULL["User"], **{
        token: "https://%s%s/domain?%d" % (WEB, ROOT, count.next())})) \
        if "/user" not in request.path and request.path.startswith(ROOT) or is_root(request) \
        else None


def many_links(token: str, number: int):
    """One document with many links to a thing that is there."""
    return root_document("<Root>%s</Root>" % "".join(
        '<Link token="%s" href="https://%s/user?%d"/>' % (token, WEB, i)
        for i in range(number)))


def dripping(head: bytes, pause: float):
    """A byte at a time."""
    async def talk(reader, writer):
        for i in range(2000):
            if writer.is_closing():
                return
            writer.write(head[i:i + 1] or b"x")
            await writer.drain()
            await asyncio.sleep(pause)
    return talk


def pouring(head: bytes, piece: bytes):
    """The same piece for ever, or until the client has enough."""
    async def talk(reader, writer):
        writer.write(head)
        while piece and not writer.is_closing():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        await writer.drain()
    return talk


OK = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n" % XML_TYPE.encode()


def stalls_after(answer: bytes):
    """TLS that says so much of its part, and no more."""
    async def talk(reader, writer):
        await reader.read(16)
        writer.write(answer)
        await writer.drain()
        await asyncio.sleep(30)
    return world.talker(talk)


GZIP_BOMB = gzip.compress(bytes(64 << 20))
DEEP = b'<?xml version="1.0"?>' + b"<a>" * 150_000

OUTSIDE += [
    Case("hostile: Domain links without end", World(fault=endless("Domain", Count())),
         ("autodiscover-loop",), ("without end",), most_requests=200),
    Case("hostile: Redirect links without end", World(fault=endless("Redirect", Count())),
         ("autodiscover-loop",), ("without end",), most_requests=100),
    Case("hostile: 5,000 User links", World(fault=many_links("User", 5000)),
         ("autodiscover-malformed",), ("more than 100 links",), most_requests=1000),
    Case("hostile: a byte now and then", World(
        https_socket=behind_tls(dripping(OK + b"\r\n", 0.2)), timeout=1.5), ("http-timed-out",)),
    Case("hostile: headers without end", World(
        https_socket=behind_tls(pouring(OK, b"X-A: b\r\n" * 500))), ("http-too-large",)),
    Case("hostile: chunks without end", World(https_socket=behind_tls(pouring(
        OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + b"x" * 4096 + b"\r\n"))),
         ("http-too-large",)),
    Case("hostile: a gzip bomb", World(fault=always(
        200, [("Content-Type", XML_TYPE), ("Content-Encoding", "gzip")], GZIP_BOMB)), None,
         most_findings=8),
    Case("hostile: a document of 150,000 levels", World(
        fault=lambda r: Response(200, [("Content-Type", XML_TYPE)], DEEP) if is_root(r) else None),
         ("autodiscover-malformed",)),
    Case("hostile: 307 without end", World(
        fault=lambda r: Response(307, [("Location", "https://%s/%s" % (r.host_name, r.path))])),
         None, most_requests=100, most_findings=10),
    Case("hostile: TLS stalls within a record", World(
        https_socket=stalls_after(b"\x16\x03\x03\x40\x00\x02"), timeout=2), ("tls-timed-out",)),
]


# -- from the proxy --------------------------------------------------------------------------

def proxied(server: str = HERE, **how) -> World:
    return World(server=server, **how)


PROXY = [
    Case("server: healthy", proxied()),
    Case("server: stopped", proxied(https_socket=world.closed_port,
                                    http_socket=world.closed_port), ("port-closed",)),
    Case("server: 4443 closed", proxied(https_socket=world.closed_port), ("port-closed",)),
    Case("server: 8080 closed", proxied(http_socket=world.closed_port),
         ("http-port-closed",)),
    *(Case("server: 8080 closed, and " + off, proxied(
        http_socket=world.closed_port, edits=(("trusted_ca ", off + "; trusted_ca "),)))
      for off in ("http_listen off", "http_autodiscover off")),
    Case("server: 8080 closed, and needed", proxied(
        http_socket=world.closed_port, conf_certificate="no-lyncdiscover"), ("port-closed",)),
    Case("server: a name that doesn't exist", proxied(
        server="fe1.contoso.local", dns={}), ("dns-no-address",),
         at={"dns-no-address": ["fe1.contoso.local"]}),
    Case("server: a name that does", proxied(
        server="fe1.contoso.local", dns={"fe1.contoso.local": (HERE,)})),
    Case("server: the internal web site's ports", proxied(internal=True),
         ("autodiscover-internal",)),
    Case("server: another pool's certificate", proxied(certificate="fepool2.fabrikam.local"),
         ("certificate-name",), ("fepool2.fabrikam.local",)),
    Case("server: an expired certificate", proxied(certificate="fepool-expired"),
         ("certificate-expired",)),
    Case("server: a certificate that ends soon", proxied(certificate="fepool-soon"),
         ("certificate-nearly-expired",)),
    Case("server: another CA", proxied(certificate="untrusted"),
         ("certificate-untrusted",)),
    Case("server: another CA, Active Directory's, which says where its certificate is",
         proxied(certificate="doctor-server-alone"), ("certificate-untrusted",)),
    Case("server: another CA, and backend_verify off", proxied(
        certificate="untrusted", edits=(("trusted_ca ", "backend_verify off; trusted_ca "),))),
    Case("server: a trusted_ca that isn't its CA", proxied(
        edits=(("internal-ca.pem", "other-ca.pem"),)),
         ("certificate-untrusted",), ("contoso-CA",)),
    Case("server: another web site", proxied(fault=always(200, HTML, WELCOME),
                                             http_fault=always(200, HTML, WELCOME)),
         ("http-foreign-page",), ("Welcome to nginx!",)),
    Case("server: no challenge", proxied(change=drop_header("^/abs/", "WWW-Authenticate")),
         ("challenge-missing",)),
    Case("server: an update is missing", proxied(
        change=lambda request, response: response.add("X-OWA-Version", "15.1.2507.16")),
         ("server-build-old",),
         ("build 15.1.2507.16 is older than 15.1.2507.69, which fixes CVE-2026-42897",)),
    Case("server: a name that isn't published", proxied(
        change=replace_in_body(b"https://lyncwebext.contoso.com", b"https://webext2.contoso.com",
                               "/root$")), ("link-not-published",), ("webext2.contoso.com",)),
    Case("server: sign-in", proxied(arguments=("--user", "CONTOSO\\kenmyer")),
         shown=("signed in at",)),
    Case("server: one that is down isn't asked", proxied(
        server="127.0.0.99 down; server " + HERE)),
    Case("the listener presents an older certificate than its file", proxied(
        conf_certificate="doctor-no-meet", edits=(("# https_listen", "https_listen"),)),
         ("certificate-not-loaded",), ("doctor-no-meet.pem",)),
    Case("the listener presents a later one", proxied(
        conf_certificate="expired", edits=(("# https_listen", "https_listen"),))),
    Case("server: the listener's certificate can't be read", proxied(edits=NO_CERTIFICATE),
         notes=("/nonexistent/listener.pem", "continuing without it")),
    Case("server: trusted_ca can't be read", proxied(
        certificate="untrusted", edits=(("/internal-ca.pem", "/nonexistent.pem"),)),
         notes=("servers aren't verified", "nonexistent.pem")),
    Case("server: there is no trusted_ca yet", proxied(
        certificate="untrusted", edits=(("trusted_ca ", "# trusted_ca "),)),
         notes=('no "trusted_ca" in lync_publish', "continuing without it")),
]
