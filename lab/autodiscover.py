"""The Autodiscover service ([MS-OCDISCWS]), where a client finds its home pool.

Three formats of the same documents: classic JSON without Accept, UCWA's JSON for
`Accept: application/json`, XML for the desktop's Accept. Redirects are 200 with a Redirect
link, never an HTTP 302.
"""

from __future__ import annotations

import topology
from httpd import Request, Response, parse_form
from replies import Here, escape, json, page, xml
from signin import (oauth_challenge, user_of, user_of_oauth_token, user_of_web_ticket,
                    web_ticket_challenge)

ROOT = "/Autodiscover/AutodiscoverService.svc/root"
XML_TYPE = "application/vnd.microsoft.rtc.autodiscover+xml"
XFRAME = "/Autodiscover/XFrame/XFrame.html"

Link = tuple[str, str]


async def answer(request: Request, here: Here) -> Response:
    """/autodiscover/... and, on lyncdiscover names, / and /xframe."""
    path = request.path.rstrip("/")
    if path in ("", "/autodiscover/autodiscoverservice.svc", ROOT.lower()):
        return _root(request, here)
    if path in ("/xframe", XFRAME.lower()):
        return _xframe(request, here)
    if not here.site.tls:
        return _redirect(request, here, "Root")
    if path == ROOT.lower() + "/domain":
        return _domain(request, here)
    if path == ROOT.lower() + "/user":
        return _user(request, here, user_of_web_ticket(request), web_ticket_challenge)
    if path == ROOT.lower() + "/oauth/user":
        return _user(request, here, user_of_oauth_token(request) or user_of_web_ticket(request),
                     oauth_challenge)
    return Response(404)


def dialect(request: Request) -> str:
    accept = (request.header("Accept") or "").lower()
    if XML_TYPE in accept:
        return "xml"
    return "ucwa" if "application/json" in accept else "classic"


def _domain_of(request: Request, here: Here) -> str:
    """The SIP domain asked about: by the user, or by the lyncdiscover name."""
    arguments = parse_form(request.query)
    user = user_of(arguments.get("sipuri", ""))
    if "@" in user:
        return user.split("@", 1)[1]
    if "originaldomain" in arguments:
        return arguments["originaldomain"].lower()
    if request.host_name.startswith("lyncdiscover."):
        return request.host_name[len("lyncdiscover."):]
    return here.farm.home_of or topology.SIP_DOMAINS[0]


def _document(request: Request, here: Here, kind: str, links: list[Link],
              extra_xml: str = "") -> Response:
    """A Root, Domain or User document in the dialect asked for."""
    location = here.site.access_location
    spoken = dialect(request)
    if spoken == "xml":
        inner = "".join('<Link token="%s" href="%s"/>' % (t, escape(h)) for t, h in links)
        return xml('<AutodiscoverResponse xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
                   'AccessLocation="%s"><%s>%s%s</%s></AutodiscoverResponse>'
                   % (location, kind, extra_xml, inner, kind), XML_TYPE + "; v=1")
    if spoken == "ucwa":
        return json({"_links": {_ucwa_rel(t): {"href": h} for t, h in links}})
    return json({"AccessLocation": location,
                 kind: {"Links": [{"href": h, "token": t} for t, h in links]}},
                escape_slashes=True)


def _ucwa_rel(token: str) -> str:
    rel = token.split("/")[-1]
    return {"OAuth": "user", "XFrame": "xframe"}.get(rel, rel[0].lower() + rel[1:])


def _redirect(request: Request, here: Here, kind: str, farm=None) -> Response:
    """200 with a single Redirect link: to https, or to the home pool."""
    target = here.web_fqdn
    path = ROOT if kind == "Root" else ROOT + "/user"
    if farm is not None:
        target = farm.external if here.site.external else farm.internal
        path = ROOT + ("/oauth/user" if request.path.endswith("/oauth/user") else "/user")
    query = "?originalDomain=" + _domain_of(request, here)
    if dialect(request) != "ucwa" and request.query:
        query = "?" + request.query
    return _document(request, here, kind, [("Redirect", "https://%s%s%s" % (target, path, query))])


def _root(request: Request, here: Here) -> Response:
    if not here.site.tls:
        return _redirect(request, here, "Root")
    base = here.url(ROOT)
    if dialect(request) == "ucwa":
        query = "?originalDomain=" + _domain_of(request, here)
        return _document(request, here, "Root", [
            ("Self", base + query), ("OAuth", base + "/oauth/user" + query),
            ("XFrame", here.url(XFRAME))])
    return _document(request, here, "Root", [
        ("Domain", base + "/domain"), ("User", base + "/user"), ("OAuth", base + "/oauth/user")])


def _domain(request: Request, here: Here) -> Response:
    links = [("Internal/Autodiscover", "https://%s%s" % (here.farm.internal, ROOT)),
             ("External/Autodiscover", "https://%s%s" % (here.farm.external, ROOT))]
    return _document(request, here, "Domain", links)


def _user(request: Request, here: Here, user: str | None, challenge) -> Response:
    if user is None:
        return challenge(here)
    if user not in topology.USERS:
        return Response(404)    # valid ticket, home unknown: an empty 404
    home = topology.home_of(user.split("@", 1)[1])
    if home is not here.farm:
        return _redirect(request, here, "User", home)
    return _document(request, here, "User", _user_links(home), _access_points(home))


def _access_points(farm) -> str:
    domain = farm.home_of
    return "".join('<%s fqdn="%s" port="%d"/>' % row for row in (
        ("SipServerInternalAccess", farm.fqdn, 5061),
        ("SipClientInternalAccess", farm.fqdn, 443),
        ("SipServerExternalAccess", "sip." + domain, 5061),
        ("SipClientExternalAccess", "sip." + domain, 443)))


def _user_links(farm) -> list[Link]:
    links: list[Link] = []
    for side, fqdn in (("Internal", farm.internal), ("External", farm.external)):
        for token, path in (("Autodiscover", ROOT), ("AuthBroker", "/Reach/sip.svc"),
                            ("WebScheduler", "/Scheduler"), ("Ucwa", "/ucwa/v1/applications"),
                            ("XFrame", XFRAME)):
            links.append(("%s/%s" % (side, token), "https://%s%s" % (fqdn, path)))
    links.append(("Ucwa", "https://%s/ucwa/oauth/v1/applications" % farm.external))
    links.append(("Self", "https://%s%s/user" % (farm.external, ROOT)))
    return links


def _xframe(request: Request, here: Here) -> Response:
    """The page UCWA web clients frame; it must stay frameable from other origins."""
    return page(request, here, "XFrame", "<p>Cross-domain frame of the UCWA web clients.</p>")
