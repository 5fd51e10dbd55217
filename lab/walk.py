"""Runs the guided tour and prints it: what a client does and why, the request, where it went,
and whether that is as expected. The stops are in tour.py; this file checks and prints them."""

from __future__ import annotations

import json
import shlex
import shutil
import textwrap
from dataclasses import dataclass, field
from typing import Callable

import settings
import topology
from client import Answer, curl

Values = dict[str, str]     # what earlier stops learned: tickets, links
Check = Callable[[Answer, Values], "str | None"]    # None, or what is wrong


@dataclass
class Stop:
    title: str
    why: str
    url: str                                        # may name values: "{user_link}"
    arguments: list[str] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    reached: str = ""                               # the verdict when all checks hold
    shows: list[str] = field(default_factory=list)  # headers worth showing
    links: list[str] = field(default_factory=list)  # Autodiscover links worth showing
    learn: Callable[[Answer], Values] | None = None
    shown_arguments: list[str] | None = None        # shorter than what is really sent


# -- checks ----------------------------------------------------------------------------------

def status(wanted: int) -> Check:
    return lambda a, v: None if a.status == wanted else "status %s instead of %d" % (
        a.status or "none", wanted)


def came_from(fqdn: str, site: str) -> Check:
    """Answered by a server of that farm, on that web site of it."""
    farm = topology.farm_named(fqdn)

    def check(a: Answer, v: Values) -> str | None:
        if a.server not in [server.name for server in farm.servers]:
            return "answered by %s instead of %s" % (a.server or "nginx itself", fqdn)
        return None if a.site == site else "web site \"%s\" instead of \"%s\"" % (a.site, site)
    return check


def says(text: str) -> Check:
    return lambda a, v: None if text in a.text else "no \"%s\" in the body" % text


def presented(name: str) -> Check:
    return lambda a, v: None if "CN = " + name in a.certificate else \
        "certificate \"%s\" instead of %s's" % (a.certificate, name)


def body_is_empty(a: Answer, v: Values) -> str | None:
    return None if not a.body else "a body of %d bytes" % len(a.body)


def access(location: str) -> Check:
    return lambda a, v: None if a.access_location == location else \
        "AccessLocation \"%s\" instead of \"%s\"" % (a.access_location, location)


def header(name: str, *wanted: str) -> Check:
    """The header's values, each beginning as wanted, in that order."""
    def check(a: Answer, v: Values) -> str | None:
        found = a.all(name)
        if len(found) == len(wanted) and all(f.startswith(w.format(**v))
                                             for f, w in zip(found, wanted)):
            return None
        return "%s: %s instead of %s" % (name, " | ".join(found) or "none", " | ".join(wanted))
    return check


def link(token: str, prefix: str) -> Check:
    return lambda a, v: None if a.link(token).startswith(prefix) else \
        "link %s is \"%s\" instead of %s..." % (token, a.link(token), prefix)


def arrived_as(target: str) -> Check:
    """The request line, exactly as the server saw it."""
    def check(a: Answer, v: Values) -> str | None:
        got = a.header("X-Lab-Request-Line")
        return None if got == target else "arrived as \"%s\" instead of \"%s\"" % (got, target)
    return check


def spoke_http11(a: Answer, v: Values) -> str | None:
    return None if a.version == "1.1" else "HTTP/%s was agreed on" % a.version


def took_at_least(seconds: float) -> Check:
    return lambda a, v: None if a.seconds >= seconds else "answered after %.1f s" % a.seconds


def redirected_to(host: str, target: str) -> Check:
    """https, same host, path and query; the lab's own port is accepted."""
    def check(a: Answer, v: Values) -> str | None:
        wanted = ("https://%s%s" % (host, target),
                  "https://%s:%d%s" % (host, topology.PROXY_HTTPS, target))
        got = a.header("Location")
        return None if got in wanted else "Location \"%s\" instead of \"%s\"" % (got, wanted[0])
    return check


def not_from_a_server(a: Answer, v: Values) -> str | None:
    return None if not a.server else "it reached %s, %s" % (a.server, a.site)


def refused(a: Answer, v: Values) -> str | None:
    """Closed, or refused by nginx itself."""
    if a.server:
        return "it reached %s, %s" % (a.server, a.site)
    return None if a.closed or a.status in (403, 404, 421) else \
        "status %s" % a.status if a.status else a.error


def closed(a: Answer, v: Values) -> str | None:
    if a.server:
        return "it reached %s, %s" % (a.server, a.site)
    return None if a.closed else "status %s: %s" % (a.status or "none", a.error)


# -- printing --------------------------------------------------------------------------------

class Walk:
    def __init__(self, palette: settings.Palette):
        self.palette = palette
        self.width = max(80, min(shutil.get_terminal_size((96, 24)).columns, 100))
        self.values: Values = {}
        self.number = 0
        self.failed: list[int] = []

    def heading(self, title: str) -> None:
        p = self.palette
        print("\n%s%s %s%s" % (p.bold, title, "-" * (self.width - len(title) - 1), p.off))

    def visit(self, stop: Stop) -> None:
        p = self.palette
        self.number += 1
        print("\n%s%2d  %s%s" % (p.bold, self.number, stop.title, p.off))
        self._wrapped(stop.why)

        try:
            url = stop.url.format(**self.values)
            arguments = [a.format(**self.values) for a in stop.arguments]
        except KeyError as missing:
            self._verdict(stop, ["an earlier stop didn't provide %s" % missing])
            return
        self._command(stop.shown_arguments if stop.shown_arguments is not None else arguments, url)
        answer = curl([*arguments, url])
        self._answer(answer, stop)
        self._verdict(stop, [wrong for check in stop.checks
                             if (wrong := check(answer, self.values)) is not None])
        if stop.learn is not None:
            self.values.update(stop.learn(answer))

    def _wrapped(self, text: str, indent: str = "    ", first: str | None = None) -> None:
        print(textwrap.fill(text, self.width, initial_indent=first or indent,
                            subsequent_indent=indent, break_on_hyphens=False,
                            break_long_words=False))

    def _command(self, arguments: list[str], url: str) -> None:
        words, pair = ["curl"], False
        for argument in arguments:      # an option and its value stay on one line
            quoted = shlex.quote(argument)
            if pair:
                words[-1] += " " + quoted
            else:
                words.append(quoted)
            pair = not pair and argument in ("-H", "-d", "-X", "--data-binary",
                                             "--request-target", "-T", "--unix-socket")
        words.append(shlex.quote(url))
        lines, line = [], "    $"
        for word in words:
            if len(line) + 1 + len(word) > self.width - 2 and line.strip() != "$":
                lines.append(line + " \\")
                line = "        " + word
            else:
                line += " " + word
        print(self.palette.dim + "\n".join(lines + [line]) + self.palette.off)

    def _answer(self, answer: Answer, stop: Stop) -> None:
        if answer.status:
            line = "%d %s" % (answer.status, answer.reason)
            line += ", from %s, %s" % (answer.server, answer.site) if answer.server \
                else ", from nginx itself"
            if answer.access_location:
                line += ", AccessLocation %s" % answer.access_location
        elif answer.closed:
            line = "the connection was closed without a response"
        else:
            line = answer.error or "curl ended with %d" % answer.exit_code
        self._wrapped(line, "       ", "    < ")
        for name in stop.shows:
            for value in answer.all(name) or ["(none)"]:
                print("      %s" % self._cut("%s: %s" % (name, value)))
        for token in stop.links:
            print("      %s" % self._cut("%s -> %s" % (token, answer.link(token) or "(none)")))

    def _cut(self, text: str) -> str:
        room = self.width - 6
        return text if len(text) <= room else text[:room - 3] + "..."

    def _verdict(self, stop: Stop, wrong: list[str]) -> None:
        p = self.palette
        if not wrong:
            print("    %s%s %s%s" % (p.good, p.yes, stop.reached, p.off))
            return
        self.failed.append(self.number)
        for text in wrong:
            print("    %s%s %s%s" % (p.bad, p.no, text, p.off))

    def summary(self) -> bool:
        p = self.palette
        good = self.number - len(self.failed)
        print()
        if self.failed:
            print("%s%d of %d as expected; failed: %s%s" % (
                p.bad, good, self.number, ", ".join(map(str, self.failed)), p.off))
        else:
            print("%s%d of %d as expected.%s" % (p.good, good, self.number, p.off))
        return not self.failed


def json_value(answer: Answer, *path: str) -> str:
    """A string inside a JSON answer, "" when it isn't there."""
    try:
        value = json.loads(answer.text)
        for name in path:
            value = value[name]
        return str(value)
    except (ValueError, KeyError, TypeError):
        return ""
