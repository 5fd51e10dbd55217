"""The stops of the guided tour, in the order of a working day: a list of what a publication must
do. walk.py checks and prints them."""

from __future__ import annotations

import base64
import os
import re

import settings
import signin
import topology
from autodiscover import ROOT, XML_TYPE
from client import Answer
from pages import MEETING_XML
from walk import (Stop, Values, Walk, access, arrived_as, body_is_empty, came_from, closed,
                  header, json_value, link, not_from_a_server, presented, redirected_to, refused,
                  says, spoke_http11, status, took_at_least)

DIRECTOR = "dirpool.contoso.local"
POOL = "fepool.contoso.local"
SECOND_POOL = "fepool2.fabrikam.local"
WAC = "officewebapps01.contoso.com"
EXCHANGE = "mail.contoso.com"

FLIPPED = "External 4443"
XML = ["-H", "Accept: %s;v=1" % XML_TYPE]

USERNAME_TOKEN = ('<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>'
                  "<Security><UsernameToken><Username>kenmyer@contoso.com</Username><Password>"
                  "any</Password></UsernameToken></Security></s:Header><s:Body/></s:Envelope>")

# A URL within a URL, encoded twice, as presentation frames carry them.
WAC_TARGET = "/m/Presenter.aspx?WopiSrc=https%253A%252F%252Ffe1%252F1"


BEARER = "Authorization: Bearer " + signin.issue_token("kenmyer@contoso.com")


def says_where_tokens_are(answer: Answer, values: Values) -> str | None:
    return None if any('authorization_uri="%s"' % signin.AUTHORITY in value
                       for value in answer.all("WWW-Authenticate")) else "no authorization_uri"


def _ticket(answer: Answer) -> Values:
    found = re.search(r"<saml:Assertion .*?</saml:Assertion>", answer.text, re.DOTALL)
    return {"ticket": base64.b64encode(found.group(0).encode()).decode()} if found else {}


FINDING = (
    Stop("A desktop client looks for its server",
         "It knows only the user's address. lyncdiscover.contoso.com leads to the Director, whose "
         "external web site listens on 4443.",
         "https://lyncdiscover.contoso.com/?sipuri=sip:kenmyer@contoso.com", XML,
         [status(200), came_from(DIRECTOR, FLIPPED), access("External"),
          link("User", "https://webdirext.contoso.com" + ROOT + "/user"), spoke_http11,
          header("X-Lab-Host", "lyncdiscover.contoso.com"), presented("webext.contoso.com"),
          arrived_as("GET /?sipuri=sip:kenmyer@contoso.com HTTP/1.1"),
          header("Strict-Transport-Security", "max-age=315360000")],
         "443 flipped to 4443 of the Director; host, path and query arrived unchanged",
         links=["User"]),
    Stop("It asks for its user document",
         "This needs a web ticket; the 401 says where tickets are issued.",
         "https://webdirext.contoso.com" + ROOT + "/user", XML,
         [status(401), came_from(DIRECTOR, FLIPPED), body_is_empty,
          header("X-MS-WebTicketURL", "https://webdirext.contoso.com/WebTicket/")],
         "the 401 arrived unchanged, with an empty body", ["X-MS-WebTicketURL"]),
    Stop("It gets a web ticket",
         "A SOAP request to the web ticket service, answered with a signed assertion.",
         "https://webdirext.contoso.com/WebTicket/WebTicketService.svc/Auth",
         ["-H", "Content-Type: text/xml", "--data-binary", USERNAME_TOKEN],
         [status(200), came_from(DIRECTOR, FLIPPED), says("saml:Assertion")],
         "the ticket was issued", learn=_ticket,
         shown_arguments=["-H", "Content-Type: text/xml", "--data-binary", "<s:Envelope ..."]),
    Stop("It asks the Director again, with the ticket",
         "The Director isn't the user's home. It answers 200 with a Redirect link, never a 302.",
         "https://webdirext.contoso.com" + ROOT + "/user",
         XML + ["-H", "X-MS-WebTicket: opaque={ticket}"],
         [status(200), came_from(DIRECTOR, FLIPPED),
          link("Redirect", "https://webext.contoso.com" + ROOT + "/user")],
         "the Director points to the home pool's external web services FQDN", links=["Redirect"],
         shown_arguments=XML + ["-H", "X-MS-WebTicket: opaque=..."]),
    Stop("It asks its home pool",
         "Each pool's own external web services FQDN leads to that pool.",
         "https://webext.contoso.com" + ROOT + "/user",
         XML + ["-H", "X-MS-WebTicket: opaque={ticket}"],
         [status(200), came_from(POOL, FLIPPED), access("External"),
          link("External/Ucwa", "https://webext.contoso.com/ucwa/")],
         "the home pool's document, AccessLocation External", links=["External/Ucwa"],
         shown_arguments=XML + ["-H", "X-MS-WebTicket: opaque=..."]),
    Stop("A phone of another SIP domain looks for its server, over plain HTTP",
         "The certificate doesn't cover lyncdiscover.fabrikam.com, so the phone uses port 80, "
         "with a phone's request line. Only this may go to 8080.",
         "http://lyncdiscover.fabrikam.com",
         ["--request-target", "http://lyncdiscover.fabrikam.com?sipuri=rene@fabrikam.com"],
         [status(200), came_from(DIRECTOR, "External 8080"), access("External"),
          link("Redirect", "https://webdirext.contoso.com" + ROOT)],
         "80 flipped to 8080 of the Director, which points to https", links=["Redirect"]),
    Stop("A web client asks for an OAuth token's whereabouts",
         "UCWA's JSON format; the 401 has two WWW-Authenticate lines, and clients need both.",
         "https://webext.contoso.com" + ROOT + "/oauth/user",
         ["-H", "Accept: application/json"],
         [status(401), came_from(POOL, FLIPPED),
          header("WWW-Authenticate", "Bearer trusted_issuers=", "MsRtcOAuth href=")],
         "both lines arrived, in order", ["WWW-Authenticate"]),
    Stop("The user document is requested over plain HTTP",
         "Tickets mustn't be sent to port 80: everything except autodiscover goes to https.",
         "http://webdirext.contoso.com" + ROOT + "/user", [],
         [status(301), not_from_a_server,
          redirected_to("webdirext.contoso.com", ROOT + "/user")],
         "redirected to https by nginx itself", ["Location"]),
)

MEETING = (
    Stop("Somebody types a meeting's address without https",
         "Meetings are never sent in the clear.",
         "http://meet.contoso.com/kenmyer/7322994?sl=1", [],
         [status(301), not_from_a_server,
          redirected_to("meet.contoso.com", "/kenmyer/7322994?sl=1")],
         "redirected to https, path and query kept", ["Location"]),
    Stop("A browser opens the meeting link",
         "Simple URLs go to the Director, whose rewrite rules need the original host name.",
         "https://meet.contoso.com/kenmyer/7322994", [],
         [status(200), came_from(DIRECTOR, FLIPPED), says("conf:sip:kenmyer@contoso.com"),
          header("X-Lab-Host", "meet.contoso.com"),
          header("Set-Cookie", "LyncMeet=", "lcid=")],
         "the join page, both its cookies", ["Set-Cookie"]),
    Stop("A client opens the other SIP domain's meeting link",
         "The same page, as XML for a client that requests it.",
         "https://meet.fabrikam.com/rene/5H1G2PLK", ["-H", "Accept: " + MEETING_XML],
         [status(200), came_from(DIRECTOR, FLIPPED), says("<conf-uri>sip:rene@fabrikam.com")],
         "the meeting's conference URI", ["Content-Type"]),
    Stop("Each SIP domain presents its own certificate",
         "The name in the handshake selects the publication's certificate.",
         "https://webext.fabrikam.com/meet/rene/5H1G2PLK", [],
         [status(200), came_from(SECOND_POOL, FLIPPED), presented("meet.fabrikam.com")],
         "presented the certificate of fabrikam.com"),
    Stop("A guest opens the web app",
         "Reached before any sign-in, at the pool's external web services FQDN.",
         "https://webext.contoso.com/lwa/WebPages/LwaClient.aspx", [],
         [status(200), came_from(POOL, FLIPPED), says("Web App")], "the web app's front page"),
    Stop("Somebody looks up a dial-in number",
         "One dial-in URL per organisation. The client also forges an X-Forwarded-For.",
         "https://dialin.contoso.com/", ["-H", "X-Forwarded-For: 203.0.113.7"],
         [status(200), came_from(DIRECTOR, FLIPPED), says("Dial-in Conferencing"),
          header("X-Lab-Forwarded-For", "127.")],
         "the dial-in page; the forged address was replaced", ["X-Lab-Forwarded-For"]),
)

SERVICES = (
    Stop("A client downloads the address book",
         "Windows authentication; the challenge is passed to the client unchanged.",
         "https://webext.contoso.com/abs/handler", [],
         [status(401), came_from(POOL, FLIPPED), header("WWW-Authenticate", "Negotiate", "NTLM")],
         "challenged by the pool, both schemes in order", ["WWW-Authenticate"]),
    Stop("A phone gets its token",
         "A form posted to the OAuth token endpoint.",
         "https://webext.contoso.com/webticket/oauthtoken",
         ["-d", "grant_type=password&username=kenmyer@contoso.com&password=any"],
         [status(200), came_from(POOL, FLIPPED), says("access_token")], "signed in",
         learn=lambda a: {"token": json_value(a, "access_token")}),
    Stop("It starts its UCWA application",
         "The phone's session, which messages and presence depend on.",
         "https://webext.contoso.com/ucwa/oauth/v1/applications",
         ["-H", "Authorization: Bearer {token}", "-H", "Content-Type: application/json",
          "-d", '{{"culture":"en-US","UserAgent":"Lab","EndpointId":"1"}}'],
         [status(201), came_from(POOL, FLIPPED),
          header("Set-Cookie", "cwt_ucwa=", "ucwa_app=")],
         "created, both cookies kept", ["Set-Cookie"],
         learn=lambda a: {"events": json_value(a, "_links", "events", "href")},
         shown_arguments=["-H", "Authorization: Bearer cwt=...", "-d", "{ ... }"]),
    Stop("It waits for messages",
         "A pending GET: the pool answers when something happens, after up to 15 minutes; here "
         "after 3 seconds.",
         "https://webext.contoso.com{events}&timeout=3",
         ["-H", "Authorization: Bearer {token}"],
         [status(200), came_from(POOL, FLIPPED), took_at_least(2.9), says("next")],
         "held for 3 seconds, then answered by the pool",
         shown_arguments=["-H", "Authorization: Bearer cwt=..."]),
    Stop("A client with modern authentication asks who it may be",
         "It has a token from the organisation's authority, which the proxy doesn't publish; the pool "
         "accepts it instead of a password.",
         "https://webext.contoso.com" + ROOT + "/oauth/user",
         ["-H", "Accept: application/json", "-H", BEARER],
         [status(200), came_from(POOL, FLIPPED), says("/ucwa/oauth/v1/applications")],
         "signed in by the token", shown_arguments=["-H", "Authorization: Bearer eyJ0..."]),
    Stop("It starts its UCWA application, too", "With the same token.",
         "https://webext.contoso.com/ucwa/oauth/v1/applications",
         ["-H", BEARER, "-H", "Content-Type: application/json",
          "-d", '{{"culture":"en-US","UserAgent":"Lab","EndpointId":"2"}}'],
         [status(201), came_from(POOL, FLIPPED)], "created",
         shown_arguments=["-H", "Authorization: Bearer eyJ0...", "-d", "{ ... }"]),
    Stop("A presenter uploads meeting content",
         "Streamed, never spooled: here 64 MB, by default up to 512 MB.",
         "https://webext.contoso.com/CollabContent/slides.pptx",
         ["-T", "{upload}"],
         [status(201), came_from(POOL, FLIPPED), says('"bytes":67108864')],
         "all 67108864 bytes arrived", shown_arguments=["-T", "slides.pptx"]),
    Stop("A user of the second pool reaches home",
         "Every pool is published under its own name.",
         "https://webext.fabrikam.com" + ROOT, XML,
         [status(200), came_from(SECOND_POOL, FLIPPED), access("External"),
          link("User", "https://webext.fabrikam.com" + ROOT)],
         "443 flipped to 4443 of the second pool", links=["User"]),
)

OFFICE = (
    Stop("Office Web Apps discovery",
         "The farm that displays presentations: 443 stays 443 (5443 in this lab).",
         "https://officewebapps01.contoso.com/hosting/discovery", [],
         [status(200), came_from(WAC, "Office 5443"), says("<wopi-discovery>")],
         "the farm's discovery document", ["Content-Type"]),
    Stop("A participant watches a presentation",
         "The query has double-encoded URLs; a proxy that normalizes them breaks the presentation.",
         "https://officewebapps01.contoso.com" + WAC_TARGET, [],
         [status(200), came_from(WAC, "Office 5443"),
          arrived_as("GET " + WAC_TARGET + " HTTP/1.1")],
         "arrived byte for byte"),
    Stop("A client reads the calendar",
         "Exchange Web Services: Lync clients need only this and Autodiscover from Exchange.",
         "https://mail.contoso.com/EWS/Exchange.asmx", [],
         [status(401), came_from(EXCHANGE, "Office 5443"),
          header("WWW-Authenticate", "Negotiate", "NTLM", "Basic realm=")],
         "challenged by Exchange, three lines in order", ["WWW-Authenticate"]),
    Stop("A client with modern authentication asks where tokens come from",
         "Outlook sends \"Bearer\" without a token.",
         "https://mail.contoso.com/EWS/Exchange.asmx", ["-H", "Authorization: Bearer"],
         [status(401), came_from(EXCHANGE, "Office 5443"), says_where_tokens_are],
         "the authority's address arrived"),
    Stop("It reads the calendar", "With a token from there.",
         "https://mail.contoso.com/EWS/Exchange.asmx", ["-H", BEARER],
         [status(200), came_from(EXCHANGE, "Office 5443"), header("X-Lab-User", "kenmyer@contoso.com")],
         "signed in by the token", ["X-Lab-User"], shown_arguments=["-H", "Authorization: Bearer eyJ0..."]),
    Stop("A phone waits for mail",
         "ActiveSync holds a Ping for up to 59 minutes, longer than any Lync phone waits; here for "
         "2 seconds. The phone signs in by NTLM first.",
         "https://mail.contoso.com/Microsoft-Server-ActiveSync?Cmd=Ping&User=kenmyer&DeviceId=1",
         ["--ntlm", "-u", "CONTOSO\\kenmyer:any", "-d", ""],
         [status(200), came_from(EXCHANGE, "Office 5443"), took_at_least(1.9),
          header("X-Lab-User", "CONTOSO\\kenmyer")],
         "signed in, held for 2 seconds, then answered", ["X-Lab-User"]),
    Stop("Outlook for Mac waits for new mail",
         "EWS streaming notifications: one response that lasts up to 30 minutes.",
         "https://mail.contoso.com/EWS/Exchange.asmx",
         ["--ntlm", "-u", "CONTOSO\\kenmyer:any", "-d", "<GetStreamingEvents/>"],
         [status(200), came_from(EXCHANGE, "Office 5443"), took_at_least(1.9),
          header("X-Lab-User", "CONTOSO\\kenmyer"), says("<StatusEvent>3</StatusEvent>")],
         "signed in, and notified for 2 seconds", ["X-Lab-User"]),
    Stop("Outlook for Windows waits for a notification",
         "MAPI over HTTP sends PENDING at intervals, for up to 5 minutes.",
         "https://mail.contoso.com/mapi/emsmdb/?MailboxId=1@contoso.com",
         ["--ntlm", "-u", "CONTOSO\\kenmyer:any", "-H", "X-RequestType: NotificationWait",
          "-d", ""],
         [status(200), came_from(EXCHANGE, "Office 5443"), took_at_least(1.9),
          header("X-Lab-User", "CONTOSO\\kenmyer"), says("PENDING"), says("DONE")],
         "signed in, and kept waiting for 2 seconds", ["X-Lab-User"]),
)

REFUSED = (
    Stop("A scanner asks for a name that isn't published",
         "Requests for unknown hosts get no response.",
         "https://www.example.com/", ["-k"], [closed], "closed"),
    Stop("The same over plain HTTP", "Neither a page nor a redirect.",
         "http://www.example.com/", [], [closed], "closed"),
    Stop("Somebody tries the pool's internal name",
         "The internal web services FQDN must not work from outside.",
         "https://webint.contoso.local" + ROOT, ["-k"], [closed], "closed"),
    Stop("Somebody tries the Control Panel",
         "The lab's Front Ends have /cscp on both web sites, so a leak would show. IIS ignores case "
         "and encoding.",
         "https://webext.contoso.com/CsC%70/", [], [refused],
         "refused by nginx; no server saw it"),
    Stop("Somebody tries the admin simple URL",
         "The publication declares it so that it is refused.",
         "https://admin.contoso.com/", ["-k"], [refused], "refused; no server saw it"),
    Stop("Somebody tries Exchange's administration",
         "Only the listed services are published; ecp isn't.",
         "https://mail.contoso.com/ecp/", [], [refused], "refused by nginx; no server saw it"),
    Stop("Somebody tries an exploit of Exchange",
         "ProxyNotShell, CVE-2022-41040, double-encoded: the shield refuses it whether or not Exchange "
         "has the update.",
         "https://mail.contoso.com/autodiscover/autodiscover.json?a@x/Power%2553hell", [],
         [refused], "refused by nginx; no server saw it"),
)

TO_NGINX = ["-X", "POST", "--unix-socket", "{socket}"]

OPERATED = (
    Stop("A Front End is to be patched",
         "The request goes to the control socket, as from \"lyncctl drain\". Requests in flight may "
         "finish.",
         "http://localhost/drain?server={fe1}", TO_NGINX,
         [status(200), not_from_a_server, says("is drained: no new clients")],
         "drained, for all workers and without a reload"),
    Stop("A new client meanwhile", "The pool's other Front End gets all new clients.",
         "https://webext.contoso.com/abs/handler", [],
         [came_from(POOL, FLIPPED), header("X-Lab-Server", "fe2.contoso.local")],
         "answered by fe2"),
    Stop("It is patched", "Its share grows gradually (slow_start).",
         "http://localhost/undrain?server={fe1}", TO_NGINX,
         [status(200), not_from_a_server, says("is taken back")], "taken back"),
)

PARTS = (
    ("Finding a server", FINDING),
    ("Joining a meeting", MEETING),
    ("Services of the home pool", SERVICES),
    ("Office Web Apps and Exchange", OFFICE),
    ("What is refused", REFUSED),
    ("Operating it", OPERATED),
)


def tour(walk: Walk, upload: str) -> bool:
    """Visit every stop; True when all went as it should."""
    walk.values.update(upload=upload, fe1=topology.NET + ".11",
                       socket=os.path.relpath(settings.CONTROL))
    for title, stops in PARTS:
        walk.heading(title)
        for stop in stops:
            walk.visit(stop)
    return walk.summary()
