"""The lab's deployment as data: two SIP domains, a Director in front, two Front End pools, an
Office Web Apps farm and Exchange. Everything else in this folder uses it: names and ports of the
stand-ins, names of the certificates, expectations of the guided tour.

Names follow Microsoft's documentation (contoso, fabrikam, webext, webdirext, officewebapps01).
Each server has its own loopback address, so that the external web sites can listen on the
product's ports 8080 and 4443. 80 and 443 need privileges, so the internal web sites and the
Office servers use unprivileged ports.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

NET = os.environ.get("LAB_NET", "127.0.0")

SIP_DOMAINS = ("contoso.com", "fabrikam.com")

EXTERNAL_HTTP = 8080    # the product's listening ports of the external web site
EXTERNAL_HTTPS = 4443
INTERNAL_HTTP = 10080   # 80 and 443 in a real pool
INTERNAL_HTTPS = 10443
OFFICE_HTTPS = 5443     # 443 on a real Office Web Apps or Exchange server

PROXY_ADDRESS = NET + ".1"
PROXY_HTTP = 8081       # what the world reaches as port 80
PROXY_HTTPS = 8443      # what the world reaches as port 443


@dataclass(frozen=True)
class Site:
    """One listening web site of a server."""

    label: str          # "External 4443": what X-Lab-Site says
    port: int
    tls: bool
    external: bool

    @property
    def access_location(self) -> str:
        return "External" if self.external else "Internal"


@dataclass(frozen=True)
class Server:
    name: str           # the server's own FQDN
    address: str

    @property
    def short(self) -> str:
        return self.name.split(".")[0]


@dataclass(frozen=True)
class Farm:
    """A group of servers with the same role, names and certificate."""

    role: str           # front_end, director, office_web_apps, exchange
    fqdn: str           # the pool's FQDN; for Office servers the first published name
    external: str       # external web services FQDN
    internal: str       # internal web services FQDN, "" where there is none
    servers: tuple[Server, ...]
    sites: tuple[Site, ...]
    home_of: str = ""   # the SIP domain whose users are homed here
    names: tuple[str, ...] = ()  # further names of its certificate


PRODUCT_SITES = (
    Site("External 8080", EXTERNAL_HTTP, False, True),
    Site("External 4443", EXTERNAL_HTTPS, True, True),
    Site("Internal 10080", INTERNAL_HTTP, False, False),
    Site("Internal 10443", INTERNAL_HTTPS, True, False),
)
OFFICE_SITES = (Site("Office 5443", OFFICE_HTTPS, True, True),)

SIMPLE_URL_HOSTS = {
    "meet.contoso.com": "meet",
    "meet.fabrikam.com": "meet",
    "dialin.contoso.com": "dialin",
    "admin.contoso.com": "cscp",
}

LYNCDISCOVER_HOSTS = tuple("lyncdiscover." + domain for domain in SIP_DOMAINS)

# Names every Front End and Director certificate carries, as Request-CsCertificate asks for them.
SHARED_NAMES = tuple(SIMPLE_URL_HOSTS) + LYNCDISCOVER_HOSTS

FARMS = (
    Farm("front_end", "fepool.contoso.local", "webext.contoso.com", "webint.contoso.local",
         (Server("fe1.contoso.local", NET + ".11"), Server("fe2.contoso.local", NET + ".12")),
         PRODUCT_SITES, "contoso.com", SHARED_NAMES),
    Farm("front_end", "fepool2.fabrikam.local", "webext.fabrikam.com", "webint.fabrikam.local",
         (Server("fe3.fabrikam.local", NET + ".13"),),
         PRODUCT_SITES, "fabrikam.com", SHARED_NAMES),
    Farm("director", "dirpool.contoso.local", "webdirext.contoso.com", "webdirint.contoso.local",
         (Server("dir1.contoso.local", NET + ".14"),),
         PRODUCT_SITES, "", SHARED_NAMES),
    Farm("office_web_apps", "officewebapps01.contoso.com", "officewebapps01.contoso.com", "",
         (Server("wac1.contoso.local", NET + ".15"),), OFFICE_SITES),
    Farm("exchange", "mail.contoso.com", "mail.contoso.com", "",
         (Server("ex1.contoso.local", NET + ".16"),),
         OFFICE_SITES, "", ("autodiscover.contoso.com",)),
)

# The listener's certificate. lyncdiscover.fabrikam.com is left out on purpose: with many SIP
# domains that is what administrators do, and why phones may ask over plain HTTP.
LISTENER_NAMES = (
    "webext.contoso.com", "webdirext.contoso.com", "meet.contoso.com", "dialin.contoso.com",
    "lyncdiscover.contoso.com", "officewebapps01.contoso.com",
    "mail.contoso.com", "autodiscover.contoso.com",
)

# The other SIP domain's, on the same socket.
FABRIKAM_NAMES = ("meet.fabrikam.com", "webext.fabrikam.com")

# Users with a home; anybody else of these domains has none (404 with an empty body).
USERS = {
    "kenmyer@contoso.com": "Ken Myer",
    "pilar@contoso.com": "Pilar Ackerman",
    "rene@fabrikam.com": "Rene Valdes",
}

MEETINGS = {
    ("contoso.com", "kenmyer", "7322994"): "Weekly planning",
    ("fabrikam.com", "rene", "5H1G2PLK"): "Design review",
}


def farm_named(fqdn: str) -> Farm:
    return next(farm for farm in FARMS if farm.fqdn == fqdn)


def home_of(domain: str) -> Farm:
    """The pool where the users of a SIP domain are homed."""
    return next(farm for farm in FARMS if farm.home_of == domain)


def servers():
    """Every server with the farm it belongs to."""
    for farm in FARMS:
        for server in farm.servers:
            yield farm, server


def find_server(name: str):
    """A server by its FQDN or its first label; None when there is no such server."""
    for farm, server in servers():
        if name.lower() in (server.name, server.short):
            return farm, server
    return None
