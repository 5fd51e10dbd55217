#!/usr/bin/env python3
"""The status page in a real browser, headless Chromium, driven by clicks and keys: the lab with a
server that is down, a name that no certificate covers, traffic and refusals.

    BUILD=build t/status/browser.py [--pictures DIR]

Pictures go to BUILD/status/pictures unless DIR is given (docs/images holds those of docs/status.md).
axe-core comes from npm, into BUILD/npm; without it that check is skipped, and says so. Exit status 77
if there is no chromium or chromedriver.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True

from stage import BUILD, NET, UNCOVERED, Checks, Stage
from webdriver import Browser, Missing

DOWN = f"{NET}.12"


def axe_core() -> str | None:
    """The source of axe-core, fetched once; None where there is no npm or no network for it."""
    place = BUILD / "npm"
    source = place / "node_modules" / "axe-core" / "axe.min.js"
    if not source.exists():
        place.mkdir(parents=True, exist_ok=True)
        try:
            subprocess.run(["npm", "install", "--prefix", place, "--no-audit", "--no-fund",
                            "--silent", "axe-core@4"], check=True, timeout=120,
                           stdin=subprocess.DEVNULL, capture_output=True)
        except (OSError, subprocess.SubprocessError) as error:
            print(f"skipped axe-core: {error}")
            return None
    return source.read_text()


def accessible(browser: Browser, check: Checks, axe: str | None, how: str):
    if axe is None:
        return
    # By the debugger's way in: the page's own policy lets no script in, which is as it should be.
    browser.devtools("Runtime.evaluate", expression=axe + ";0")
    found = browser.run_async(
        "const done = arguments[arguments.length - 1];"
        "axe.run(document, {resultTypes: ['violations']}).then(r => done("
        "r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html).slice(0, 3).join(' | '))))")
    check(found == [], f"axe-core finds nothing, {how}", "\n        ".join(found))


def rows(browser: Browser, table: str) -> list[list[str]]:
    """The cells of the tables whose caption contains a text."""
    return browser.run(
        "return [...document.querySelectorAll('table')]"
        ".filter(t => t.caption.textContent.includes(arguments[0]))"
        ".flatMap(t => [...t.tBodies[0].rows].map(r => [...r.cells].map(c => c.textContent)))",
        table)


# Cells of the servers' tables that hold more than they show.
TOO_WIDE = ("return [...document.querySelectorAll('.servers th, .servers td')]"
            ".filter(c => c.scrollWidth > c.clientWidth + 1)"
            ".map(c => c.textContent + ' ' + c.scrollWidth + ' > ' + c.clientWidth)")


def in_any_state(browser: Browser, check: Checks, status: dict):
    """The page with what the lab hasn't got: long addresses, busy servers, many that are down, a
    certificate that has ended. It is given a status instead of fetching one."""
    browser.click("#pause")
    publication = status["publications"][0]
    servers = publication["pools"][0]["servers"]
    server = dict(servers[0], state="up", reason="", in_flight=12345, pending_gets=123456,
                  owned_connections=123456, requests=123456789, failures=1234567,
                  tls_handshakes=1234567, tls_resumptions=1234567)
    server["response_time"] = {"count": 1, "sum": 1, "p50": 0.999, "p95": 0.999, "p99": 59.9}
    long = "[2001:db8:1234:5678:9abc:def0:1234:5678]"
    many = [dict(server, name=long, address=f"{long}:4443"),
            dict(server, name="fe01.a-rather-long-name.headquarters.contoso.local",
                 address=f"{long}:4443", state="down", reason="connection refused"),
            dict(server, state="draining", reason='"down" in the configuration'),
            dict(server, name="10.0.0.4", address="10.0.0.4:4443", state="unknown")]
    publication["pools"][0]["servers"] = many
    for width in (1280, 1250, 1140):
        browser.window(width, 900)
        browser.run("show(arguments[0])", status)
        too_wide = browser.run(TOO_WIDE)
        check(too_wide == [], f"no cell of the servers' tables overflows at {width}", too_wide)
    check(browser.run("return document.documentElement.scrollWidth <= 1140"),
          "nor does the page", browser.run("return document.documentElement.scrollWidth"))
    browser.window(1280, 900)

    # Eight servers down on two ports, and a name that nothing covers: each is seen.
    down = [dict(server, name=f"fe{n}.contoso.local", address=f"10.0.0.{n}:4443", state="down",
                 reason="connection refused") for n in range(1, 9)]
    publication["pools"] = [dict(publication["pools"][0], role="pool", name="fepool", port=port,
                                 servers=down) for port in (4443, 8080)]
    publication["names"] = [
        {"name": "meet.contoso.com", "https": 0, "http": None, "coverage": "uncovered",
         "presented": []},
        {"name": "dialin.contoso.com", "https": 0, "http": None, "coverage": "uncovered",
         "presented": [0]},
        {"name": "lyncdiscover.contoso.com", "https": 0, "http": 1, "coverage": "plain_http",
         "presented": []}]
    publication["rules"] = [
        {"id": "a", "scheme": "https", "words": "", "targets": [{"pool": "fepool"}]},
        {"id": "b", "scheme": "http", "words": "", "targets": [{"pool": "fepool"}]}]
    publication["certificates"] = [dict(publication["certificates"][0], days_left=-1,
                                        renewal="urgent"),
                                   dict(publication["certificates"][0], file="early.pem",
                                        not_before="2999-01-01T00:00:00Z")]
    browser.run("show(arguments[0])", status)
    lines = browser.run("return [...document.querySelectorAll('#glance li')]"
                        ".map(l => l.className + ' ' + l.textContent)")
    check(sum("fe1.contoso.local" in line for line in lines) == 1
          and "ports 4443 and 8080" in lines[0], "a server is told once, with its ports", lines)
    check(sum(" is down" in line for line in lines) == 5
          and any("3 more servers are down" in line for line in lines),
          "five servers, and how many more", lines)
    check(any(line.startswith("bad meet.contoso.com is not covered") for line in lines),
          "a name that no certificate covers is among it", lines)
    check(any(line.startswith("bad dialin.contoso.com") and "ended" in line for line in lines),
          "and one whose certificate has ended", lines)
    check(not any("lyncdiscover" in line for line in lines), "what plain HTTP serves isn't", lines)
    check(any("A certificate has ended" in line for line in lines), "the certificate itself", lines)
    check(any(line.startswith("bad A certificate is not valid yet") and "early.pem" in line
              for line in lines), "and one of the future", lines)
    check([row[4] for row in rows(browser, "Names")] == ["–", "ended", "–"],
          "its names' rows say so", rows(browser, "Names"))

    # What is in front goes away: the focus and the selection stay.
    browser.run("document.querySelectorAll('#glance a')[3].focus();"
                "const range = document.createRange();"
                "range.selectNodeContents(document.querySelectorAll('#glance b')[2]);"
                "getSelection().removeAllRanges(); getSelection().addRange(range);")
    for pool in publication["pools"]:
        pool["servers"] = down[1:]
    browser.run("show(arguments[0])", status)
    check(browser.run("return document.activeElement.textContent") == "fe4.contoso.local is down",
          "the focus stays where an earlier row goes away",
          browser.run("return document.activeElement.textContent"))
    check(browser.run("return String(getSelection())").strip() == "fe3.contoso.local is down",
          "and the selection", browser.run("return String(getSelection())"))

    for pool in publication["pools"]:
        pool["servers"] = [server]
    publication["names"] = publication["names"][2:]
    publication["certificates"] = []
    browser.run("show(arguments[0])", status)
    check(not browser.run("return document.title").startswith("(!)"),
          "a name found over plain HTTP alone is no alarm")

    # Of many names a hundred are shown, and a button shows the others.
    publication["names"] = [dict(publication["names"][0], name=f"meet{n}.contoso.com")
                            for n in range(150)]
    browser.run("show(arguments[0])", status)
    shown = [len(rows(browser, "Names"))]
    browser.run("[...document.querySelectorAll('button')]"
                ".find(b => b.textContent === 'Show all 150').click()")
    shown.append(len(rows(browser, "Names")))
    check(shown == [100, 150], "a button shows the names after a hundred", shown)


def look(stage: Stage, browser: Browser, check: Checks, pictures: Path, axe: str | None):
    browser.window(1280, 900)
    browser.prefer("light")
    browser.go(stage.url)
    browser.until("return document.querySelectorAll('#publications tbody tr').length > 10")

    # Within ten seconds: the top of the page says it, above everything else, within one screen.
    glance = browser.text("#glance")
    check(DOWN in glance and "is down" in glance and "connection refused" in glance,
          "the first lines name the server that is down, and why", glance)
    check(UNCOVERED + " is not covered" in glance, "and the name that isn't covered", glance)
    check(browser.run("return document.querySelector('#glance').getBoundingClientRect().bottom"
                      " < innerHeight / 2"), "in the upper half of the first screen")
    check(browser.run("return document.title").startswith("(!)"), "the tab shows it, too")
    too_wide = browser.run(TOO_WIDE)
    check(too_wide == [], "no cell of the servers' tables overflows", too_wide)
    browser.window(1280, 1500)
    browser.picture(pictures / "status-light.png")
    browser.window(1280, 900)

    down = [row for row in rows(browser, "fepool.contoso.local") if row[0].startswith(DOWN)]
    check(len(down) == 1 and "down" in down[0][1] and "connection refused" in down[0][2],
          "its row says down, since when, and why", down)
    names = rows(browser, "Names")
    check(names[0][0] == UNCOVERED and "not covered" in names[0][1], "its name comes first", names[0])
    check(any("https meet.contoso.com → director dirpool.contoso.local, port 4443" in row[2]
              for row in names), "flips are said in words")
    check(any("lyncdiscover.fabrikam.com → autodiscover to director dirpool.contoso.local, port 8080"
              in row[3] for row in names), "of plain HTTP, too")
    services = {row[0]: row for row in rows(browser, "Services")}
    check(int(services["meet"][1]) > 0, "services count their requests", services["meet"])
    refusals = rows(browser, "latest first")
    check(any("/cscp/" in row[2] and row[1] == "administration" for row in refusals),
          "the last refusals stand there with their reasons", refusals)
    check(browser.run("return document.querySelectorAll('svg.hour[role=img][aria-label]').length")
          == len(services), "each service has its hour, in words for a screen reader")

    accessible(browser, check, axe, "light")

    # A click leads there.
    browser.click("#glance li.bad a")
    browser.until("const at = document.activeElement, box = at.getBoundingClientRect();"
                  "return at.tagName === 'TR' && box.bottom <= innerHeight")
    check(browser.run("return document.activeElement.tagName") == "TR"
          and "down" in browser.run("return document.activeElement.className + "
                                    "document.activeElement.textContent"),
          "a click on it leads to the server's row",
          browser.run("return document.activeElement.outerHTML.slice(0, 200)"))
    check(browser.run("const box = document.activeElement.getBoundingClientRect();"
                      "return box.top >= 0 && box.bottom <= innerHeight"), "which is in view")

    # An address that somebody has cut off.
    browser.go("about:blank")
    browser.go(stage.url + "#%")
    browser.until("return document.querySelectorAll('#publications tbody tr').length > 10")
    time.sleep(0.3)
    check(browser.run("return document.getElementById('trouble').hidden"),
          "a mark in the address that means nothing is no trouble",
          browser.run("return document.getElementById('trouble').textContent"))
    browser.go("about:blank")

    # Keys alone.
    browser.go(stage.url)
    browser.until("return document.querySelectorAll('#publications tbody tr').length > 10")
    browser.press("Tab")
    check(browser.run("return document.activeElement.className") == "skip",
          "the first Tab reaches the skip link")
    browser.press("Enter")
    browser.until("return document.activeElement.className !== 'skip'")
    browser.press("Tab")
    check(browser.run("return document.activeElement.tagName") == "A"
          and "is down" in browser.run("return document.activeElement.textContent"),
          "and from there the first thing to care for",
          browser.run("return document.activeElement.textContent"))
    browser.press("Enter")
    browser.until("return document.activeElement.tagName !== 'A'")
    check(browser.run("return document.activeElement.tagName") == "TR", "Enter goes to its row",
          browser.run("return location.hash + ' ' + document.activeElement.outerHTML.slice(0, 200)"))
    for _ in range(12):
        browser.press("Tab")
        if browser.run("return document.activeElement.tagName") == "INPUT":
            break
    check(browser.run("return document.activeElement.tagName") == "INPUT",
          "Tab goes on to the filter of names")
    browser.write("dialin")
    check([row[0] for row in rows(browser, "Names")] == ["dialin.contoso.com"],
          "typing leaves the names with that in them", rows(browser, "Names"))

    # It refreshes itself: where one reads, what one has selected and written stays.
    browser.run("""
        const cell = [...document.querySelectorAll('td.key')].find(c => c.textContent === 'autodiscover');
        cell.scrollIntoView({block: 'center', behavior: 'instant'});
        const range = document.createRange();
        range.selectNodeContents(cell);
        getSelection().removeAllRanges();
        getSelection().addRange(range);""")
    place = ("[...document.querySelectorAll('td.key')].find(c => c.textContent === 'autodiscover')"
             ".getBoundingClientRect().top")
    before = browser.run(f"return {{at: {place}, said: document.querySelector('#when').textContent}}")
    stage.traffic(10)
    browser.until("return document.querySelector('#when').textContent !== arguments[0]",
                  before["said"])
    after = browser.run(f"return {{at: {place}, selected: String(getSelection()),"
                        " wanted: document.querySelector('input').value,"
                        " focus: document.activeElement.tagName}")
    check(abs(after["at"] - before["at"]) < 2, "a refresh leaves what one reads where it was",
          (before, after))
    check(after["selected"].strip() == "autodiscover", "and the selection", after)
    check(after["wanted"] == "dialin" and after["focus"] == "INPUT", "the filter and the focus", after)
    more = {row[0]: row for row in rows(browser, "Services")}
    check(int(more["meet"][1]) > int(services["meet"][1]), "while the numbers are new", more["meet"])

    # Pause.
    browser.click("#pause")
    said = browser.text("#when")
    time.sleep(6)
    check(browser.text("#when") == said, "Pause stops it")
    browser.click("#pause")
    browser.until("return document.querySelector('#when').textContent !== arguments[0]", said)
    check(True, "and starts it again")

    # A server comes back, while one looks.
    stage.lab("start", "fe2")
    browser.until("return !document.querySelector('#glance').textContent.includes(arguments[0])",
                  DOWN)
    back = [row for row in rows(browser, "fepool.contoso.local") if row[0].startswith(DOWN)]
    check("up" in back[0][1], "a server that is back is shown up", back)
    stage.lab("stop", "fe2")
    stage.until_down(DOWN)

    # Dark, phone, paper.
    browser.go(stage.url)
    browser.until("return document.querySelector('#glance').textContent.includes(arguments[0])",
                  DOWN)
    browser.prefer("dark")
    check(browser.run("return getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 27)",
          "dark where the reader's system is")
    accessible(browser, check, axe, "dark")
    browser.picture(pictures / "status-dark.png")
    browser.window(390, 844, phone=True)
    check(browser.run("return document.documentElement.scrollWidth <= 390"),
          "a phone needn't scroll sideways", browser.run("return document.documentElement.scrollWidth"))
    accessible(browser, check, axe, "on a phone, dark")
    browser.prefer("light")
    accessible(browser, check, axe, "on a phone")
    browser.picture(pictures / "status-phone.png")
    browser.window(1280, 900)
    paper = browser.call("POST", "/print", {"orientation": "landscape"})
    check(len(paper) > 10000, "it prints")

    browser.go(stage.url)
    browser.until("return document.querySelectorAll('#publications tbody tr').length > 10")
    in_any_state(browser, check, stage.status())

    # A password in the address.
    browser.go(stage.url.replace("http://", "http://admin:secret@"))
    browser.until("return document.querySelectorAll('#publications tbody tr').length > 10")
    check(browser.run("return document.querySelector('#trouble').hidden"),
          "a password in the address is no trouble")

    # Without numbers it says so.
    browser.go(stage.url)
    browser.until("return document.querySelectorAll('#publications tbody tr').length > 10")
    complaints = [line for line in browser.complaints() if "favicon" not in line]
    check(complaints == [], "the console has nothing to complain of", complaints)
    stage.lab("down")
    browser.until("return !document.querySelector('#trouble').hidden")
    check("No numbers from nginx" in browser.text("#trouble"), "it says when nginx doesn't answer")
    check(len(rows(browser, "Names")) > 5, "and keeps what it knew")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=Path, default=BUILD / "status" / "pictures")
    arguments = parser.parse_args()
    arguments.pictures.mkdir(parents=True, exist_ok=True)

    check = Checks()
    axe = axe_core()
    with Stage("browser") as stage:
        try:
            browser = Browser(stage.dir / "chromedriver.log")
        except Missing as missing:
            print(f"skipped: {missing}")
            return 77
        with browser:
            stage.traffic()
            stage.lab("stop", "fe2")
            stage.until_down(DOWN)
            stage.traffic(10)
            look(stage, browser, check, arguments.pictures, axe)
    return check.end()


if __name__ == "__main__":
    sys.exit(main())
