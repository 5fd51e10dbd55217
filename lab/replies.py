"""The responses that all stand-ins use: pages, documents, challenges, refusals, and the headers
that Microsoft's servers always send."""

from __future__ import annotations

import html as html_text
import json as json_text
from dataclasses import dataclass

from httpd import Request, Response, printable
from topology import Farm, Server, Site


@dataclass(frozen=True)
class Here:
    """Where a request arrived."""

    farm: Farm
    server: Server
    site: Site

    @property
    def web_fqdn(self) -> str:
        """The name this site calls itself in the URLs it hands out."""
        return self.farm.external if self.site.external else self.farm.internal

    def url(self, path: str) -> str:
        """An absolute https URL of this site, without a port: clients use the published one."""
        return "https://%s%s" % (self.web_fqdn, path)


def escape(text: str) -> str:
    return html_text.escape(text, quote=True)


def page(request: Request, here: Here, title: str, content: str, status: int = 200) -> Response:
    """A web page that also shows a person with a browser where it came from."""
    rows = (("Answered by", "%s, %s" % (here.server.name, here.site.label)),
            ("Host", request.host), ("Request line", request.raw_line),
            ("AccessLocation", here.site.access_location))
    footer = "".join("<tr><td>%s</td><td><code>%s</code></td></tr>" % (name, escape(value))
                     for name, value in rows)
    text = (
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>%s</title>\n"
        "<style>body{font:16px/1.5 'Segoe UI',sans-serif;max-width:46em;margin:3em auto;"
        "padding:0 1em}h1{font-weight:300;color:#0072c6}table{margin-top:4em;font-size:13px;"
        "color:#666;border-top:1px solid #ccc}td{padding:2px 12px 2px 0}</style></head>\n"
        "<body><h1>%s</h1>\n%s\n<table>%s</table></body></html>\n"
        % (escape(title), escape(title), content, footer))
    return Response(status, [("Content-Type", "text/html; charset=utf-8")], text.encode())


def xml(text: str, content_type: str = "text/xml; charset=utf-8", status: int = 200) -> Response:
    return Response(status, [("Content-Type", content_type)],
                    ('<?xml version="1.0" encoding="utf-8"?>' + text).encode())


def json(value, status: int = 200, content_type: str = "application/json; charset=utf-8",
         escape_slashes: bool = False) -> Response:
    text = json_text.dumps(value, separators=(",", ":"))
    if escape_slashes:      # as .NET's DataContractJsonSerializer writes URLs
        text = text.replace("/", "\\/")
    return Response(status, [("Content-Type", content_type)], text.encode())


def not_found() -> Response:
    """IIS's own 404."""
    return Response(404, [("Content-Type", "text/html")],
                    b"<html><head><title>404 - File or directory not found.</title></head>"
                    b"<body><h1>Server Error</h1><h2>404 - File or directory not found.</h2>"
                    b"</body></html>\n")


def product_headers(request: Request, here: Here, response: Response) -> None:
    """What IIS, ASP.NET and the product add to every answer."""
    front_end = here.farm.role in ("front_end", "director")

    def default(name: str, value: str) -> None:
        if response.header(name) is None:
            response.add(name, value)

    if front_end:
        default("Cache-Control", "no-cache")
        default("Expires", "-1")
        default("X-MS-Server-Fqdn", here.server.name)
        default("X-Content-Type-Options", "nosniff")
        default("X-AspNet-Version", "4.0.30319")
        if here.site.tls:   # HstsMaxAgeInSeconds, default of SfB 2015 and later
            default("Strict-Transport-Security", "max-age=315360000")
    default("X-Powered-By", "ASP.NET")


def lab_headers(request: Request, here: Here, response: Response) -> None:
    """What no real server sends: how the request arrived, for the tour and for tests."""
    connection = request.connection
    tls = connection.tls
    for name, value in (
            ("X-Lab-Server", here.server.name),
            ("X-Lab-Site", here.site.label),
            ("X-Lab-Request-Line", printable(request.raw_line)),
            ("X-Lab-Host", printable(request.header("Host") or "")),
            ("X-Lab-Forwarded-For", printable(request.header("X-Forwarded-For") or "")),
            ("X-Lab-Forwarded-Proto", printable(request.header("X-Forwarded-Proto") or "")),
            # "N M": the Mth request of the Nth connection this server accepted
            ("X-Lab-Connection", "%d %d" % (connection.number, connection.requests)),
            ("X-Lab-TLS", "" if tls is None else "%s %s sni=%s" % (
                tls.version(), "resumed" if tls.session_reused else "full",
                getattr(tls, "lab_sni", "") or "-"))):
        response.add(name, value)
