"""When each alert of docs/prometheus-alerts.yml fires, and when it doesn't: what promtool test rules
reads, of a table. The texts are those of the file, with the labels and the value of the row."""

from __future__ import annotations

import json
import re
from pathlib import Path

ALERTS = Path(__file__).resolve().parents[2] / "docs" / "prometheus-alerts.yml"

# SERIES LABEL=... | VALUES, of a publication; TIME ALERT: nobody is called; TIME ALERT | LABEL=...: one is,
# with "value" for the text, and behind "+" another one. Values stand a minute apart, but for what is "every 30s".
WHEN = """
every 30s
lync_server_up POOL SERVER server=fe1 | 1x20
lync_server_up POOL SERVER server=fe2 | 1 1 0x18
90s LyncServerDown
3m LyncServerDown | POOL SERVER server=fe2
3m LyncPoolDown

# No server passes its check, those that answer are used: not down.
every 30s
lync_server_up POOL SERVER server=fe1 | 0x10
lync_pool_panic POOL | 1x10
3m LyncPoolDown
3m LyncPoolPanic | POOL

every 30s
lync_server_up POOL SERVER server=fe1 | 0x10
30s LyncPoolDown | POOL

# Drained on purpose: nobody is called for one of two, for all of them somebody is.
every 30s
lync_server_up POOL SERVER server=fe1 | 1x10 0x10
lync_server_up POOL SERVER server=fe2 | 0x20
lync_server_state POOL SERVER server=fe1 state=draining | 0x10 1x10
lync_server_state POOL SERVER server=fe2 state=draining | 1x20
lync_server_state POOL SERVER server=fe2 state=down | 0x20
4m LyncServerDown
4m LyncPoolDown
9m LyncServerDown
9m LyncPoolDown | POOL

# Twenty days after time 0.
lync_certificate_expiry_timestamp_seconds file=later.pem key=RSA | 1728000x5
lync_certificate_expiry_timestamp_seconds file=ended.pem key=RSA | 30x5
lync_certificate_start_timestamp_seconds file=early.pem key=RSA | 864000x5
1m LyncCertificateInvalid | file=ended.pem key=RSA
+ file=early.pem key=RSA
1m LyncCertificateEnds

lync_certificate_renewal file=later.pem key=RSA | 0x90
lync_certificate_renewal file=due.pem key=RSA | 1x90
lync_certificate_renewal file=urgent.pem key=RSA | 2x90
lync_certificate_not_loaded file=due.pem key=RSA | 0 1x90
30m LyncCertificateEnds
61m LyncCertificateEnds | file=due.pem key=RSA
1m LyncCertificateEndsNow | file=urgent.pem key=RSA
15m LyncCertificateNotLoaded
17m LyncCertificateNotLoaded | file=due.pem key=RSA

# A tenth a second, then five; scanners; always two a second.
lync_refusals_total reason=path | 0+6x70 420+300x20
lync_refusals_total reason=unknown_host | 0+6000x90
lync_refusals_total reason=method | 0+120x90
68m LyncRefusalsRising
85m LyncRefusalsRising | reason=path value=5

# A third of all, then nearly all.
lync_unauthorized_total service=webticket | 0+20x30 620+200x30
lync_requests_total service=webticket code=4xx | 0+20x30 620+200x30
lync_requests_total service=webticket code=2xx | 0+40x60
28m LyncUnauthorizedRising
55m LyncUnauthorizedRising | service=webticket value=3.333

# Healthy NTLM, two 401 for each sign-in, also when a morning brings ten times as many; and a service most
# of whose requests have always ended so.
lync_unauthorized_total service=webticket | 0+120x90 10800+1200x90
lync_requests_total service=webticket code=4xx | 0+120x90 10800+1200x90
lync_requests_total service=webticket code=2xx | 0+60x90 5400+600x90
lync_unauthorized_total service=ews | 0+120x180
lync_requests_total service=ews code=4xx | 0+120x180
lync_requests_total service=ews code=2xx | 0+20x180
80m LyncUnauthorizedRising
120m LyncUnauthorizedRising

# After an hour of healthy NTLM nobody gets in any more; and at night, where there was nobody.
lync_unauthorized_total service=webticket | 0+120x90 10800+120x90
lync_requests_total service=webticket code=4xx | 0+120x90 10800+120x90
lync_requests_total service=webticket code=2xx | 0+60x90 5400x90
lync_unauthorized_total service=ews | 0x90 0+300x90
lync_requests_total service=ews code=4xx | 0x90 0+300x90
85m LyncUnauthorizedRising
120m LyncUnauthorizedRising | service=webticket value=2
+ service=ews value=5

lync_requests_total service=ucwa code=5xx | 0+1x20 20+60x20
lync_requests_total service=ucwa code=2xx | 0+60x40
lync_uncovered_names | 0x20 2x20
18m LyncErrors
18m LyncNamesUncovered
38m LyncErrors | service=ucwa
38m LyncNamesUncovered | value=2
"""


def labels(words: list[str]) -> dict[str, str]:
    text = " ".join(["publication=contoso", *words]).replace("POOL", "pool=fepool port=4443")
    return dict(word.split("=") for word in text.replace("SERVER", "address=10.0.0.11:4443").split())


def fires(alert: str, words: str) -> dict:
    """The alert as it is expected."""
    rule = ALERTS.read_text().split(f"- alert: {alert}\n")[1].split("- alert:")[0]
    has = labels(words.split())
    value = has.pop("value", "")

    def said(text: str) -> str:
        return re.sub(r"{{ \$labels\.(\w+) }}", lambda found: has[found[1]],
                      re.sub(r"{{ \$value[^}]*}}", value, text))

    return {"exp_labels": {"severity": re.search(r"severity: (\w+)", rule)[1], **has},
            "exp_annotations": {name: said(re.search(f'{name}: "(.*)"', rule)[1]) for name in ("summary", "description")}}


def test(block: str) -> dict:
    found: dict = {"interval": "1m", "input_series": [], "alert_rule_test": []}
    rules = found["alert_rule_test"]
    for line in re.findall(r"^[^#\n].*", block, re.M):
        left, _, right = line.partition(" | ")
        first, *words = left.split()
        if first == "every":
            found["interval"] = words[0]
        elif first.startswith("lync_"):
            series = ",".join(f'{name}="{value}"' for name, value in labels(words).items())
            found["input_series"].append({"series": f"{first}{{{series}}}", "values": right})
        elif first == "+":
            rules[-1]["exp_alerts"].append(fires(rules[-1]["alertname"], " ".join(words)))
        else:
            rules.append({"eval_time": first, "alertname": words[0],
                          "exp_alerts": [fires(words[0], right)] if right else []})
    return found


def tests() -> str:
    """JSON, which is YAML."""
    return json.dumps({"rule_files": [str(ALERTS)], "evaluation_interval": "30s",
                       "tests": [test(block) for block in WHEN.strip().split("\n\n")]})
