"""A Front End's sign-in: the web ticket service and OAuth tokens. (Windows authentication is in
windows_auth.py.)

Passwords are not checked: the lab shows the route of a request, not Active Directory. All users in
topology.USERS sign in with any password, others are refused. Modern authentication tokens come from
an authority that the proxy doesn't publish (Entra ID, AD FS), here just `issue_token`; its tokens are
trusted.
"""

from __future__ import annotations

import base64
import json as json_text
import re
import secrets

import topology
import windows_auth
from httpd import Request, Response, parse_form
from replies import Here, escape, json, xml

WEBTICKET_PATH = "/WebTicket/WebTicketService.svc"
OAUTH_PATH = "/WebTicket/oauthtoken"
AUTHORITY = "https://login.windows.net/common/oauth2/authorize"
OAUTH_LIFETIME = 28289      # seconds; about 8 hours, the figure of Microsoft's sample

_SIP_URI = re.compile(r"sip:([^<>\"'\s]+@[^<>\"'\s]+)", re.IGNORECASE)


def user_of(address: str) -> str:
    """"sip:Ken@..." or "ken@..." as the key of topology.USERS."""
    address = address.strip().lower()
    return address[4:] if address.startswith("sip:") else address


def address_of(account: str) -> str:
    """The SIP address of a Windows account, "CONTOSO\\kenmyer" or "kenmyer"."""
    name = account.rsplit("\\", 1)[-1].lower()
    return next((user for user in topology.USERS if name in (user, user.split("@")[0])), name)


def web_ticket_challenge(here: Here) -> Response:
    """401 that names the web ticket service ([MS-OCAUTHWS])."""
    return Response(401).add("X-MS-WebTicketURL", here.url(WEBTICKET_PATH)) \
                        .add("X-MS-WebTicketSupported", "cwt,saml")


def oauth_challenge(here: Here) -> Response:
    """401 with two WWW-Authenticate lines, as UCWA clients expect them."""
    domain = here.farm.home_of or topology.SIP_DOMAINS[0]
    return Response(401).add(
        "WWW-Authenticate",
        'Bearer trusted_issuers="00000002-0000-0ff1-ce00-000000000000@%s", '
        'client_id="00000004-0000-0ff1-ce00-000000000000", '
        'authorization_uri="%s"' % (domain, AUTHORITY)).add(
        "WWW-Authenticate",
        'MsRtcOAuth href="%s",grant_type="urn:microsoft.rtc:windows,'
        'urn:microsoft.rtc:anonmeeting,password"' % here.url(OAUTH_PATH))


def make_web_ticket(user: str) -> str:
    """The value of X-MS-WebTicket: "opaque=" and the base64 of a SAML assertion."""
    assertion = ('<saml:Assertion MajorVersion="1" MinorVersion="1" AssertionID="SamlSecurityToken'
                 '-%s"><saml:NameIdentifier Format="http://schemas.microsoft.com/ocs/2010/03/'
                 'sipuri">sip:%s</saml:NameIdentifier></saml:Assertion>'
                 % (secrets.token_hex(16), escape(user)))
    return "opaque=" + base64.b64encode(assertion.encode()).decode()


def user_of_web_ticket(request: Request) -> str | None:
    """Who holds the request's web ticket; None when there is none or it can't be read."""
    ticket = request.header("X-MS-WebTicket") or ""
    if not ticket.lower().startswith("opaque="):
        return None
    try:
        text = base64.b64decode(ticket[7:], validate=True).decode("utf-8", "replace")
    except ValueError:
        return None
    found = _SIP_URI.search(text)
    return user_of(found.group(1)) if found else None


def make_oauth_token(user: str) -> str:
    return "cwt=" + base64.urlsafe_b64encode(b"lab:" + user.encode()).decode()


def issue_token(user: str) -> str:
    """What the authority gives a client: a JWT of [RFC 7519], which nobody here has signed."""
    parts = ('{"typ":"JWT","alg":"none"}', '{"iss":"%s","upn":"%s"}' % (AUTHORITY, user), "")
    return ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)


def user_of_token(request: Request) -> str | None:
    """Of a token that the authority has issued."""
    scheme, _, token = (request.header("Authorization") or "").partition(" ")
    parts = token.strip().split(".")
    if scheme.lower() != "bearer" or len(parts) != 3:
        return None
    try:
        user = json_text.loads(base64.urlsafe_b64decode(parts[1] + "==")).get("upn")
    except ValueError:
        return None
    return user if user in topology.USERS else None


def user_of_oauth_token(request: Request) -> str | None:
    """Of a token of the pool's own, or of the authority's."""
    value = request.header("Authorization") or ""
    if not value.lower().startswith("bearer cwt="):
        return user_of_token(request)
    try:
        text = base64.urlsafe_b64decode(value[11:].strip()).decode("utf-8", "replace")
    except ValueError:
        return None
    return text[4:] if text.startswith("lab:") else None


async def webticket(request: Request, here: Here) -> Response:
    """/webticket/..., the security token service."""
    path = request.path
    if path == "/webticket/oauthtoken":
        return await _oauth_token(request, here)
    if path == "/webticket/webticketservice.svc/mex":
        return _metadata(here)
    if path == "/webticket/webticketservice.svc/auth":
        return await _issue(request, here)
    if path.startswith("/webticket/webticketservice.svc"):
        who = windows_auth.authenticate(request, here.server.name)
        return who if isinstance(who, Response) else _ticket(address_of(who))
    return Response(404)


async def _oauth_token(request: Request, here: Here) -> Response:
    if request.method != "POST":
        return Response(405).add("Allow", "POST")
    form = parse_form((await request.whole_body()).decode("utf-8", "replace"))
    grant = form.get("grant_type", "")
    if grant == "urn:microsoft.rtc:windows":
        who = windows_auth.authenticate(request, here.server.name)
        if isinstance(who, Response):
            return who
        user = address_of(who)
    elif grant == "password":
        user = user_of(form.get("username", ""))
        if user not in topology.USERS:
            return json({"error": "invalid_grant"}, 400)
    elif grant == "urn:microsoft.rtc:anonmeeting":
        user = "anonymous"
    else:
        return json({"error": "unsupported_grant_type"}, 400)
    lifetime = 3600 if user == "anonymous" else OAUTH_LIFETIME
    token = make_oauth_token(user)
    response = json({"access_token": token, "expires_in": lifetime,
                     "ms_rtc_identityscope": "local", "token_type": "Bearer"})
    return response.add("Set-Cookie", "cwt_ucwa=%s; path=/ucwa/; secure; HttpOnly" % token[4:])


async def _issue(request: Request, here: Here) -> Response:
    """SOAP UsernameToken in, SAML assertion out; a fault for an unknown user."""
    body = (await request.whole_body()).decode("utf-8", "replace")
    found = re.search(r"<(?:\w+:)?Username>([^<]*)</", body)
    user = user_of(found.group(1)) if found else ""
    if user not in topology.USERS:
        return xml('<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
                   '<s:Fault><faultcode>s:Client</faultcode><faultstring>No valid security '
                   'token</faultstring><detail><OCSDiagnosticsFault xmlns="urn:component:'
                   'Microsoft.Rtc.WebAuthentication.2010"><Ms-Diagnostics-Fault><ErrorId>28000'
                   '</ErrorId><Reason>User is not SIP enabled.</Reason></Ms-Diagnostics-Fault>'
                   '</OCSDiagnosticsFault></detail></s:Fault></s:Body></s:Envelope>', status=500)
    return _ticket(user)


def _ticket(user: str) -> Response:
    assertion = base64.b64decode(make_web_ticket(user)[7:]).decode()
    return xml('<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
               '<RequestSecurityTokenResponseCollection xmlns="http://docs.oasis-open.org/ws-sx/'
               'ws-trust/200512"><RequestSecurityTokenResponse><RequestedSecurityToken>'
               + assertion.replace("<saml:Assertion ", '<saml:Assertion xmlns:saml="urn:oasis:'
                                   'names:tc:SAML:1.0:assertion" ', 1) +
               '</RequestedSecurityToken></RequestSecurityTokenResponse>'
               '</RequestSecurityTokenResponseCollection></s:Body></s:Envelope>')


def _metadata(here: Here) -> Response:
    """WSDL with the ports a client looks for; anonymous."""
    ports = "".join(
        '<wsdl:port name="%s"><soap:address location="%s"/></wsdl:port>'
        % (name, here.url(WEBTICKET_PATH + tail))
        for name, tail in (("WebTicketServiceWinNegotiate", ""), ("WebTicketServiceAnon", "/Anon"),
                           ("WebTicketServiceAuth", "/Auth"), ("WsFedBearer", "/fedbearer")))
    return xml('<wsdl:definitions name="WebTicketService" targetNamespace="http://tempuri.org/" '
               'xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" '
               'xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/">'
               '<wsdl:service name="WebTicketService">' + ports + '</wsdl:service>'
               '</wsdl:definitions>')


def service_metadata(here: Here, path: str) -> Response:
    """/mex of another service: its policy names the web ticket service as the issuer."""
    port = path.strip("/").split("/")[-1].replace(".svc", "") + "WebTicketBearer"
    return xml('<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" '
               'xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy" '
               'xmlns:sp="http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702" '
               'xmlns:wsa="http://www.w3.org/2005/08/addressing" '
               'xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/">'
               '<wsp:Policy Id="%s_policy"><wsp:ExactlyOne><wsp:All><sp:SignedSupportingTokens>'
               '<wsp:Policy><sp:IssuedToken><sp:Issuer><wsa:Address>%s</wsa:Address></sp:Issuer>'
               '</sp:IssuedToken></wsp:Policy></sp:SignedSupportingTokens></wsp:All>'
               '</wsp:ExactlyOne></wsp:Policy><wsdl:service><wsdl:port name="%s"><soap:address '
               'location="%s"/></wsdl:port></wsdl:service></wsdl:definitions>'
               % (port, here.url(WEBTICKET_PATH), port, here.url(path + "/WebTicket_Bearer")))
