"""UCWA: applications, the event channel with its pending GETs, and one resource with an ETag.

An application lives on one server of the pool, which its id names; other Front Ends pass its
requests on (relay.py), so clients need no affinity.

A pending GET is held for the `timeout` in its query (a real server clamps it to 180..1800 s; here
any number of seconds is accepted, so that the tour and tests needn't wait). Repeating one with the
same ack ends the older one with 409 PGetReplaced.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field

import relay
from httpd import Request, Response
from replies import Here, json
from signin import oauth_challenge, user_of_oauth_token

DEFAULT_WAIT = 180.0


@dataclass
class Application:
    identity: str
    user: str
    note: str = ""
    note_version: int = 1
    pending: dict[str, asyncio.Future] = field(default_factory=dict)


_applications: dict[str, Application] = {}


def _error(status: int, code: str, subcode: str, message: str) -> Response:
    return json({"code": code, "subcode": subcode, "message": message}, status)


async def answer(request: Request, here: Here) -> Response:
    """/ucwa/v1/applications... and /ucwa/oauth/v1/applications..."""
    user = user_of_oauth_token(request)
    if user is None:
        return oauth_challenge(here)

    base = "/ucwa/oauth/v1/applications" if request.path.startswith("/ucwa/oauth/") \
        else "/ucwa/v1/applications"
    if not request.path.startswith(base):
        return Response(404)
    segments = [s for s in request.path[len(base):].split("/") if s]

    if not segments:
        return await _create(request, user, base, here)
    application = _applications.get(segments[0])
    if application is None:
        home = next((server for server in here.farm.servers if server != here.server
                     and segments[0].startswith(server.short + "-")), None)
        response = await relay.pass_on(request, home) if home else None
        if response is not None:
            return response
        return _error(404, "NotFound", "ApplicationNotFound", "The application is not known.")
    here_url = "%s/%s" % (base, application.identity)
    if len(segments) == 1:
        return _application(request, application, here_url)
    if segments[1:] == ["events"]:
        return await _events(request, application, here_url)
    if segments[1:] == ["me", "note"]:
        return await _note(request, application)
    return Response(404)


async def _create(request: Request, user: str, base: str, here: Here) -> Response:
    if request.method != "POST":
        return Response(405).add("Allow", "POST")
    await request.whole_body()
    application = Application("%s-%s" % (here.server.short, secrets.token_hex(3)), user)
    _applications[application.identity] = application
    return _describe(application, "%s/%s" % (base, application.identity), 201)


def _describe(application: Application, url: str, status: int) -> Response:
    body = {"culture": "en-US", "userAgent": "Lab",
            "_links": {"self": {"href": url},
                       "events": {"href": url + "/events?ack=1"}},
            "_embedded": {"me": {"uri": "sip:" + application.user,
                                 "_links": {"self": {"href": url + "/me"},
                                            "note": {"href": url + "/me/note"}},
                                 "rel": "me"}},
            "rel": "application", "etag": "3140562359"}
    response = json(body, status)
    return response.add("ETag", '"3140562359"') \
                   .add("P3P", 'CP="IDC CUR ADM DEL PHY ONL COM PUR LOC CNT"') \
                   .add("Vary", "Accept-Encoding") \
                   .add("Set-Cookie", "cwt_ucwa=%s; path=/ucwa/v1/applications/%s/photos; secure; "
                                      "HttpOnly" % (secrets.token_hex(8), application.identity)) \
                   .add("Set-Cookie", "ucwa_app=%s; path=/ucwa; secure" % application.identity)


def _application(request: Request, application: Application, url: str) -> Response:
    if request.method == "DELETE":
        for waiting in application.pending.values():
            if not waiting.done():
                waiting.set_result("gone")
        del _applications[application.identity]
        return Response(204)
    if request.method != "GET":
        return Response(405).add("Allow", "GET, DELETE")
    return _describe(application, url, 200)


async def _events(request: Request, application: Application, url: str) -> Response:
    arguments = request.arguments()
    ack = arguments.get("ack", "1")
    try:
        wait = float(arguments.get("timeout", DEFAULT_WAIT))
    except ValueError:
        return _error(400, "BadRequest", "ParameterValidationFailure", "timeout isn't a number")

    older = application.pending.get(ack)
    if older is not None and not older.done():
        older.set_result("replaced")
    mine = asyncio.get_running_loop().create_future()
    application.pending[ack] = mine

    gone = asyncio.ensure_future(request.connection.gone.wait())
    try:
        await asyncio.wait({mine, gone}, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
    if application.pending.get(ack) is mine:
        del application.pending[ack]
    if mine.done() and mine.result() == "replaced":
        return _error(409, "Conflict", "PGetReplaced", "A newer pending GET took this one's place.")
    if mine.done():
        return _error(404, "NotFound", "ApplicationNotFound", "The application has ended.")
    number = int(ack) if ack.isdigit() else 1
    return json({"_links": {"self": {"href": "%s/events?ack=%s" % (url, ack)},
                            "next": {"href": "%s/events?ack=%d" % (url, number + 1)}},
                 "sender": []})


async def _note(request: Request, application: Application) -> Response:
    """A resource changed under If-Match, as UCWA's PUTs are."""
    etag = '"%d"' % application.note_version
    if request.method == "GET":
        if request.header("If-None-Match") == etag:
            return Response(304, [("ETag", etag)])
        return json({"message": application.note, "rel": "note"}).add("ETag", etag)
    if request.method != "PUT":
        return Response(405).add("Allow", "GET, PUT")
    body = await request.whole_body()
    if request.header("If-Match") is None:
        return _error(428, "PreconditionRequired", "None", "If-Match is required.")
    if request.header("If-Match") != etag:
        return _error(412, "PreconditionFailed", "None", "The resource has changed.")
    application.note = body.decode("utf-8", "replace")
    application.note_version += 1
    return Response(204, [("ETag", '"%d"' % application.note_version)])
