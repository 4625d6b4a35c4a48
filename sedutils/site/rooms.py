"""The packages of sedutils and who uses whom, as a picture.

python -m sedutils.site.rooms           writes reports/rooms.svg, which CONTRIBUTING.md shows
"""

import ast
import sys
import textwrap
from graphlib import TopologicalSorter
from html import escape

from sedutils.pipeline import closure, files

PICTURE = "reports/rooms.svg"
WIDTH, HEIGHT = 250, 90  # of a box
ACROSS, DOWN = 290, 130  # from one box to the next
STYLE = """text { font: 12px sans-serif; fill: #222 } .name { font-weight: bold; font-size: 15px }
rect { fill: #f4f1ea; stroke: #8a8474 } path { fill: none; stroke: #777; stroke-width: 1.3; marker-end: url(#tip) }"""


def used() -> dict[str, set[str]]:
    """Room -> the rooms that it imports from."""
    known = closure.modules()
    uses: dict[str, set[str]] = {}
    for name, path in known.items():
        for other in closure.imported(path.read_text("utf-8"), known, path):
            importer, room = name.split(".")[1], other.split(".")[1]
            uses.setdefault(importer, set()).update({room} - {importer})
            uses.setdefault(room, set())
    return uses


def floors(uses: dict[str, set[str]]) -> list[list[str]]:
    """Rooms from the ground up: each on the lowest floor above all that it uses."""
    level: dict[str, int] = {}
    for room in TopologicalSorter({k: sorted(uses[k]) for k in sorted(uses)}).static_order():
        level[room] = 1 + max((level[other] for other in uses[room]), default=-1)
    return [sorted(r for r in level if level[r] == n) for n in range(max(level.values()) + 1)]


def direct(uses: dict[str, set[str]]) -> set[tuple[str, str]]:
    """The arrows that no way over a third room replaces."""

    def reached(room: str) -> set[str]:
        return uses[room].union(*(reached(other) for other in uses[room]))

    return {
        (room, other)
        for room in uses
        for other in uses[room]
        if not any(other in reached(third) for third in uses[room] - {other})
    }


def places(uses: dict[str, set[str]]) -> dict[str, tuple[float, float]]:
    """Where the middle of each box lies: above what it uses, as far as its neighbours leave room."""
    below = {room: [b for a, b in sorted(direct(uses)) if a == room] for room in uses}
    storeys = floors(uses)
    place: dict[str, tuple[float, float]] = {}
    for n, rooms in enumerate(storeys):
        wanted = {r: sum(place[b][0] for b in below[r]) / max(len(below[r]), 1) for r in rooms}
        order = sorted(rooms, key=lambda room: (wanted[room], room))
        middle = sum(wanted.values()) / len(order)
        for i, room in enumerate(order):
            x = middle + (i - (len(order) - 1) / 2) * ACROSS
            place[room] = x, (len(storeys) - 1 - n) * DOWN
    left = min(x for x, _ in place.values()) - WIDTH / 2 - 10
    return {room: (round(x - left, 1), y + HEIGHT / 2 + 10) for room, (x, y) in place.items()}


def drawn() -> str:
    """The picture as SVG: a box a room with the first line of its package, arrows to what it uses."""
    uses = used()
    place = places(uses)
    width = max(x for x, _ in place.values()) + WIDTH / 2 + 10
    height = max(y for _, y in place.values()) + HEIGHT / 2 + 10
    arrows = [arrow(place[a], place[b]) for a, b in sorted(direct(uses))]
    boxes = [box(room, *place[room]) for room in sorted(place)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}">'
    tip = (
        '<marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" '
        'orient="auto"><path d="M0 0 L8 4 L0 8" style="marker-end: none"/></marker>'
    )
    parts = [head, f"<style>{STYLE}</style>", f"<defs>{tip}</defs>", *arrows, *boxes, "</svg>"]
    return "\n".join(parts) + "\n"


def arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    """From the foot of one box to the head of another."""
    (x0, y0), (x1, y1) = start, end
    y0, y1 = y0 + HEIGHT / 2, y1 - HEIGHT / 2
    bend = (y1 - y0) / 2
    return f'<path d="M{x0:g} {y0:g} C{x0:g} {y0 + bend:g} {x1:g} {y1 - bend:g} {x1:g} {y1:g}"/>'


def box(room: str, x: float, y: float) -> str:
    """A room with the first line of its package."""
    code = closure.modules()[f"{closure.PACKAGE}.{room}"].read_text("utf-8")
    first = ast.get_docstring(ast.parse(code)).partition("\n")[0].replace("`", "")
    top = y - HEIGHT / 2
    lines = [
        f'<text x="{x:g}" y="{top + 38 + 15 * i:g}" text-anchor="middle">{escape(line)}</text>'
        for i, line in enumerate(textwrap.wrap(first, 38))
    ]
    rect = f'<rect x="{x - WIDTH / 2:g}" y="{top:g}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
    name = f'<text class="name" x="{x:g}" y="{top + 20:g}" text-anchor="middle">{room}</text>'
    return "\n".join((rect, name, *lines))


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(f"sedutils.site.rooms takes no arguments, and writes {PICTURE}: {sys.argv[1]!r}")
    files.write_text(PICTURE, drawn())
