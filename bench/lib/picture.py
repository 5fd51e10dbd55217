"""A picture of comparisons: for each kind of work a bar for each proxy, as a multiple of the module."""

from __future__ import annotations

from html import escape

from pairs import Comparison

LEFT, WIDE, BAR, GAP = 260, 420, 14, 26
MOST = 4.0  # a longer bar is cut off, and its number says how long
COLORS = ("#5b7083", "#9a6a3f", "#7a5195", "#a05195", "#4f8a6b", "#8a8a4f")
OWN = "#1f6feb"


def draw(found: list[Comparison]) -> str:
    work = list(dict.fromkeys(one.name for one in found))
    peers = list(dict.fromkeys(one.sides[0] for one in found))
    unit = WIDE / MOST
    rows, y = [], 30
    for name in work:
        rows.append(f'<text x="0" y="{y + 11}" font-weight="bold">{escape(name)}</text>')
        rows.append(bar(y, "module", 1.0, OWN, unit))
        for color, peer in zip(COLORS, peers):
            for one in found:
                if one.name == name and one.sides[0] == peer:
                    y += BAR + 3
                    rows.append(bar(y, peer, 1 / one.ratio, color, unit))
        y += BAR + GAP
    line = LEFT + unit
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDE + 60} {y}" '
            f'font-family="sans-serif" font-size="12">\n'
            f'<title>What each proxy needs, as a multiple of the module</title>\n'
            f'<rect width="100%" height="100%" fill="#ffffff"/>\n'
            f'<text x="0" y="14">CPU per request, and memory of a phone that waits, '
            f'as a multiple of the module: less is better</text>\n'
            + "\n".join(rows)
            + f'\n<line x1="{line:.0f}" y1="24" x2="{line:.0f}" y2="{y - GAP}" stroke="#000" '
              f'stroke-dasharray="2 3"/>\n</svg>\n')


def bar(y: int, title: str, value: float, color: str, unit: float) -> str:
    length = min(value, MOST) * unit
    return (f'<text x="{LEFT - 6}" y="{y + 11}" text-anchor="end">{escape(title.split(",")[0])}</text>'
            f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" fill="{color}"/>'
            f'<text x="{LEFT + length + 5:.1f}" y="{y + 11}">{value:.2f}</text>')
