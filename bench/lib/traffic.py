"""What clients ask of a publication, one kind for each way that requests take. Clients keep their
connections."""

from __future__ import annotations

import base64
from dataclasses import dataclass

MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Request:
    """What all connections ask for, one request after the other on each."""

    scheme: str
    host: str
    path: str
    connections: int
    body: int = 0           # bytes to POST; 0: GET
    authorization: str = "" # on every request
    sign_in: int = 0        # requests on each connection after an NTLM handshake; 0: none
    morning: bool = False   # the requests of a sign-in in the morning (config/wrk.lua)
    close: bool = False     # a connection for each request


@dataclass(frozen=True)
class Kind:
    name: str
    request: Request


KINDS = (
    Kind("small GET, pool (4443)",
         Request("https", "lyncwebext.contoso.com", "/ucwa/oauth/v1/applications/103", 32)),
    Kind("small GET, autodiscover by http (8080)",
         Request("http", "lyncdiscover.contoso.com", "/?sipuri=rene@contoso.com", 32)),
    Kind("small GET, Office Web Apps (443)",
         Request("https", "officewebapps.contoso.com", "/hosting/discovery", 32)),
    Kind("GET of 1 MB, pool (4443)",
         Request("https", "lyncwebext.contoso.com", "/CollabContent/megabyte", 8)),
    Kind("POST of 1 MB, pool (4443)",
         Request("https", "lyncwebext.contoso.com", "/DataCollabWeb/upload", 8, MEGABYTE)),
)

SMALL_KINDS = KINDS[:3]
POOL_KINDS = tuple(kind for kind in KINDS if kind.request.host == "lyncwebext.contoso.com")

# What the policy looks at most closely: a long path of UCWA, and a meeting URL in base64.
POLICY_KINDS = (
    SMALL_KINDS[0],
    Kind("UCWA event channel",
         Request("https", "lyncwebext.contoso.com",
                 "/ucwa/oauth/v1/applications/103618246841/events?ack=21&low=5&medium=60"
                 "&priority=1&timeout=180", 32)),
    Kind("web app with a meeting URL",
         Request("https", "lyncwebext.contoso.com",
                 "/lwa/WebPages/LwaClient.aspx?meeturl="
                 "aHR0cHM6Ly9tZWV0LmNvbnRvc28uY29tL3JlbmUvOEg0TDJUTUM%3D", 32)),
)



def ticket(size: int) -> str:
    """As much of Kerberos in SPNEGO as a proxy can see: lengths and names, then what is encrypted."""
    def element(tag: int, contents: bytes) -> bytes:
        return bytes([tag, 0x82]) + len(contents).to_bytes(2, "big") + contents
    kerberos = bytes.fromhex("06092a864886f712010202")
    token = element(0xa2, element(0x04, element(0x60, kerberos + b"\1\0" + bytes(size))))
    return base64.b64encode(element(0x60, bytes.fromhex("06062b0601050502") + element(
        0xa0, element(0x30, b"\xa0\x0d\x30\x0b" + kerberos + token)))).decode()


# Clients of connection-bound authentication. A server that asks for a ticket with each request is
# the one kind, one that knows the connection after a handshake the other.
AUTHENTICATED_KINDS = (
    Kind("Negotiate with each request, pool (4443)",
         Request("https", "lyncwebext.contoso.com", "/ucwa/oauth/v1/applications/103", 32,
                 authorization="Negotiate " + ticket(1900))),
    Kind("NTLM sign-in and 18 requests, pool (4443)",
         Request("https", "lyncwebext.contoso.com", "/webticket/webticketservice.svc", 16,
                 sign_in=18)),
)

# What every proxy is asked for, whatever it is.
PEER_KINDS = (
    Kind("small GET", Request("https", "lyncwebext.contoso.com", "/ucwa/oauth/v1/applications/103", 32)),
    Kind("small GET, new connection",
         Request("https", "lyncwebext.contoso.com", "/ucwa/oauth/v1/applications/103", 8, close=True)),
    Kind("GET of 350 KB", Request("https", "lyncwebext.contoso.com", "/CollabContent/page", 8)),
    Kind("POST of 10 MB",
         Request("https", "lyncwebext.contoso.com", "/DataCollabWeb/upload", 4, 10 * MEGABYTE)),
    Kind("morning sign-in, NTLM",
         Request("https", "lyncwebext.contoso.com", "/webticket/webticketservice.svc", 8, morning=True)),
)

SMALL_ANSWER = '{"_links":{"self":{"href":"/ucwa/oauth/v1/applications/103"}},"culture":"en-US"}'


def chosen(kinds: tuple[Kind, ...], text: str) -> tuple[Kind, ...]:
    """Those that a user asked for."""
    return tuple(kind for kind in kinds if text in kind.name)
