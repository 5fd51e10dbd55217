"""Pages for browsers: the meeting launcher, dial-in page, web app, scheduler, and the Control
Panel, which must never be visible outside."""

from __future__ import annotations

import base64

import topology
from httpd import Request, Response
from replies import Here, escape, not_found, page, xml

MEETING_XML = "application/vnd.microsoft.lync.meeting+xml"


def _meeting(request: Request, segments: list[str]):
    """The meeting that a Meet URL names: (domain, organizer, id, subject), or None."""
    domain = next((d for d in topology.SIP_DOMAINS if request.host_name.endswith(d)), "")
    if len(segments) >= 2:
        organizer, conference = segments[-2], segments[-1]
        for (known, user, number), subject in topology.MEETINGS.items():
            if (known, user.lower(), number.lower()) == (domain, organizer, conference):
                return known, user, number, subject
    return None


async def meet(request: Request, here: Here) -> Response:
    """The join launcher: XML for the client that asks for it, a page for everybody else."""
    segments = [s for s in request.path.split("/") if s and s != "meet"]
    meeting = _meeting(request, segments)
    if meeting is None:
        return page(request, here, "Troubleshooting",
                    "<p>Sorry, we can't find this meeting. Check the link, or ask the organizer "
                    "for a new invitation.</p>")
    domain, organizer, number, subject = meeting
    web_app = "https://%s/lwa/WebPages/LwaClient.aspx" % topology.home_of(domain).external
    focus = "sip:%s@%s;gruu;opaque=app:conf:focus:id:%s" % (organizer, domain, number)
    if MEETING_XML in (request.header("Accept") or "").lower():
        return xml('<conf-info xmlns="http://schemas.microsoft.com/rtc/2009/05/simplejoinconfdoc">'
                   '<conf-uri>%s</conf-uri><server-time>0</server-time><original-incoming-url>'
                   'https://%s%s</original-incoming-url><conf-key>%s</conf-key>'
                   '<fallback-url>%s</fallback-url></conf-info>'
                   % (escape(focus), escape(request.host), escape(request.raw_path),
                      escape(number), escape(web_app)),
                   "Application/vnd.microsoft.lync.meeting+xml; charset=utf-8")
    joined = "https://%s%s" % (request.host, request.raw_path)
    encoded = base64.b64encode(joined.encode()).decode()
    response = page(
        request, here, "Join: " + subject,
        '<p>Meeting of %s. <a href="conf:%s%%3Frequired-media=audio">Join with the client</a> or '
        '<a href="%s?meeturl=%s">join in the browser</a>.</p>'
        % (escape(topology.USERS["%s@%s" % (organizer, domain)]), escape(focus),
           escape(web_app), encoded))
    return response.add("Set-Cookie", "LyncMeet=%s; path=/; secure; HttpOnly" % number) \
                   .add("Set-Cookie", "lcid=1033; path=/; secure")


async def dialin(request: Request, here: Here) -> Response:
    if request.method == "POST":
        return page(request, here, "Dial-in Conferencing",
                    "<p>The user name or password is incorrect.</p>")
    return page(request, here, "Dial-in Conferencing Settings",
                "<p>Redmond: +1 425 555 0100 &nbsp; London: +44 20 7946 0100</p>"
                '<form method="post" action="/dialin/Conference.aspx"><p>Sign in to see your '
                'conference ID: <input name="user" value="contoso\\kenmyer"> '
                '<input name="password" type="password"> <button>Sign in</button></p></form>')


async def scheduler(request: Request, here: Here) -> Response:
    return page(request, here, "Web Scheduler", "<p>Sign in to schedule an online meeting.</p>")


async def lwa(request: Request, here: Here) -> Response:
    """The web app's front page, reached before any sign-in (CVE-2023-41763 is about meeturl)."""
    if not request.path.startswith(("/lwa/webpages/", "/lwa/client/")) \
            and request.path not in ("/lwa", "/lwa/"):
        return not_found()
    given = request.arguments().get("meeturl", "")
    note = "<p>No meeting was named.</p>"
    if given:
        try:
            url = base64.b64decode(given, validate=True).decode("utf-8", "replace")
        except ValueError:
            url = "(not base64) " + given
        note = ("<p>Joining <code>%s</code>. A real server would now fetch this URL itself.</p>"
                % escape(url))
    return page(request, here, "Skype for Business Web App", note)


async def control_panel(request: Request, here: Here) -> Response:
    """Answers on both web sites, so that a publication that leaks it is seen."""
    return page(request, here, "Control Panel",
                "<p>Control Panel. If you read this from outside, it is published.</p>")


async def administration(request: Request, here: Here) -> Response:
    """The other surfaces without an external address: same purpose."""
    return page(request, here, "Administration",
                "<p>Administrative surface. If you read this from outside, it is published.</p>")
