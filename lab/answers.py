"""A Front End or Director: which virtual directory answers a request.

Like a real IIS: paths are case-insensitive, and the URL Rewrite module maps the host of a simple
URL, or a lyncdiscover name, to a virtual directory. For other hosts, such as the external web
services FQDN, the path alone decides.
"""

from __future__ import annotations

import autodiscover
import content
import pages
import signin
import topology
import ucwa
import windows_auth
from httpd import Request, Response
from replies import Here, not_found


async def _windows(request: Request, here: Here) -> Response:
    """A service with Windows authentication; its metadata is anonymous."""
    if request.path.endswith("/mex"):
        return signin.service_metadata(here, request.path[:-len("/mex")])
    if signin.user_of_web_ticket(request):
        return Response(200, [("Content-Type", "text/xml; charset=utf-8")], b"<ok/>")
    await request.whole_body()
    who = windows_auth.authenticate(request, here.server.name)
    if isinstance(who, Response):
        return who
    return Response(200, [("Content-Type", "text/xml; charset=utf-8"), ("X-Lab-User", who)],
                    b"<ok/>")


VIRTUAL_DIRECTORIES = {
    "abs": content.address_book,
    "autodiscover": autodiscover.answer,
    "certprov": _windows,
    "collabcontent": content.collab_content,
    "cscp": pages.control_panel,
    "dialin": pages.dialin,
    "fonts": content.fonts,
    "groupexpansion": _windows,
    "hybridconfig": _windows,
    "locationinformation": pages.administration,
    "lwa": pages.lwa,
    "mcx": _windows,
    "meet": pages.meet,
    "ocspowershell": pages.administration,
    "passiveauth": pages.administration,
    "persistentchat": _windows,
    "powershell": pages.administration,
    "reach": _windows,
    "requesthandlerext": content.device_update,
    "rgsclients": _windows,
    "rgsconfig": pages.administration,
    "scheduler": pages.scheduler,
    "storage": _windows,
    "ucwa": ucwa.answer,
    "webticket": signin.webticket,
}

SIMPLE_URL_PAGES = {
    "meet": pages.meet,
    "dialin": pages.dialin,
    "cscp": pages.control_panel,
}


async def front_end(request: Request, here: Here) -> Response:
    directory = request.path.split("/")[1]
    lyncdiscover = request.host_name.startswith(("lyncdiscover.", "lyncdiscoverinternal."))

    if lyncdiscover and directory in ("", "xframe"):
        return await autodiscover.answer(request, here)

    if directory in VIRTUAL_DIRECTORIES:
        if not here.site.tls and directory != "autodiscover":
            return _tls_required()
        return await VIRTUAL_DIRECTORIES[directory](request, here)

    simple_url = topology.SIMPLE_URL_HOSTS.get(request.host_name)
    if simple_url:
        if not here.site.tls:
            return _tls_required()
        return await SIMPLE_URL_PAGES[simple_url](request, here)

    return not_found()


def _tls_required() -> Response:
    """IIS's 403.4."""
    return Response(403, [("Content-Type", "text/html")],
                    b"<html><head><title>403.4 - Forbidden: SSL is required.</title></head><body>"
                    b"<h2>403.4 - Forbidden: SSL is required to view this resource.</h2></body>"
                    b"</html>\n")
