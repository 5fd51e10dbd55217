"""The other servers of a Lync publication: an Office Web Apps farm, which displays presentations,
and Exchange, whose calendar and contacts clients read."""

from __future__ import annotations

import asyncio

import signin
import windows_auth
from httpd import Request, Response
from replies import Here, escape, not_found, page, xml

CHALLENGED = ("ews", "oab", "rpc", "mapi", "microsoft-server-activesync", "autodiscover")

HEARTBEAT = 2  # seconds for which a phone's Ping waits for mail; phones ask for up to 3,540
BUILD = "15.2.2562.43"


async def office_web_apps(request: Request, here: Here) -> Response:
    if request.path == "/hosting/discovery":
        return _discovery(here)
    if request.path.startswith("/m/"):
        # Presenter and participant frames carry URLs within URLs, encoded twice: shown raw, so
        # that a proxy that decoded or normalised them is seen.
        return page(request, here, "Presentation",
                    "<p>Raw target: <code>%s</code></p>" % escape(request.target)) \
            .add("Set-Cookie", "WacSession=lab; path=/; secure; HttpOnly")
    if request.path.startswith(("/p/", "/x/", "/wv/", "/op/")):
        return page(request, here, "Office Web Apps",
                    "<p>Raw target: <code>%s</code></p>" % escape(request.target))
    return not_found()


def _discovery(here: Here) -> Response:
    base = "https://" + here.farm.external
    app = ('<app name="PowerPoint" favIconUrl="{0}/p/resources/1033/FavIcon_Ppt.ico">'
           '<action name="view" ext="pptx" urlsrc="{0}/p/PowerPointFrame.aspx?'
           'PowerPointView=ReadingView&amp;&lt;ui=UI_LLCC&amp;&gt;&lt;rs=DC_LLCC&amp;&gt;"/>'
           '<action name="present" ext="pptx" urlsrc="{0}/m/Presenter.aspx?a=0&amp;embed=1&amp;"/>'
           '<action name="attend" ext="pptx" urlsrc="{0}/m/ParticipantFrame.aspx?a=0&amp;'
           'embed=true&amp;"/></app>').format(escape(base))
    zones = "".join('<net-zone name="%s-https">%s</net-zone>' % (zone, app)
                    for zone in ("internal", "external"))
    return xml("<wopi-discovery>%s</wopi-discovery>" % zones)


def _office_service(directory: str, request: Request, body: bytes) -> Response:
    if directory == "ews" and b"GetStreamingEvents" in body:
        return Response(200, [("Content-Type", "text/xml; charset=utf-8")], _events())
    if directory == "mapi" and request.header("X-RequestType") == "NotificationWait":
        # [MS-OXCMAPIHTTP, 2.2.4.4]: it says PENDING every 15 seconds, for up to 5 minutes.
        return Response(200, [("Content-Type", "application/mapi-http"), ("X-ResponseCode", "0")],
                        _pending())
    return xml("<ok/>")


async def _events():
    """EWS streaming notifications: a document for each, for up to 30 minutes."""
    for number in range(4):
        yield b"<Envelope><StatusEvent>%d</StatusEvent></Envelope>" % number
        await asyncio.sleep(HEARTBEAT / 4)


async def _pending():
    yield b"PROCESSING\r\n"
    for _ in range(4):
        await asyncio.sleep(HEARTBEAT / 4)
        yield b"PENDING\r\n"
    yield b"DONE\r\nX-ResponseCode: 0\r\n\r\n"


async def exchange(request: Request, here: Here) -> Response:
    directory = request.path.split("/")[1]
    if request.path.endswith("/healthcheck.htm"):
        # Exchange's own word for load balancers, for each service, without a sign-in.
        return Response(200, [("Content-Type", "text/html")],
                        b"200 OK<br/>%s" % here.server.name.upper().encode())
    if directory in CHALLENGED:
        body = await request.whole_body()
        who = signin.user_of_token(request) or windows_auth.authenticate(request, here.server.name)
        if not isinstance(who, Response):
            if "Cmd=Ping" in request.target:
                await asyncio.sleep(HEARTBEAT)
            return _office_service(directory, request, body) \
                .add("X-Lab-User", who).add("X-OWA-Version", BUILD)
        who.add("X-FEServer", here.server.short.upper())
        if len([n for n, _ in who.headers if n == "WWW-Authenticate"]) > 1:
            who.add("WWW-Authenticate", 'Basic realm="%s"' % request.host_name)
            if request.header("Authorization") == "Bearer":     # a client that knows modern authentication
                who.add("WWW-Authenticate", 'Bearer client_id="00000002-0000-0ff1-ce00-000000000000", '
                                            'token_types="app_asserted_user_v1 service_asserted_app_v1", '
                                            'authorization_uri="%s"' % signin.AUTHORITY)
            who.add("Set-Cookie", "exchangecookie=lab; path=/; secure; HttpOnly")
        return who
    if directory == "owa":
        return page(request, here, "Outlook Web App", "<p>Sign in.</p>")
    if directory in ("ecp", "powershell"):
        return page(request, here, "Exchange Control Panel",
                    "<p>If you read this from outside, it is published.</p>")
    return not_found()
