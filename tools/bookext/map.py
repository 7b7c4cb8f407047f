"""The map of all statements: a band a part, a column a chapter, a line from each statement to those that use it."""

import re
from html import escape
from posixpath import dirname, relpath

from bookext import cards

PAGE = "chapters/appendix/map"
WIDE, HIGH, BOX, TOP = 104, 26, 76, 40
PLACE = re.compile(r'<div id="statement-map".*?</div>', re.S)
SCRIPT = """<script>
// What the statement under the pointer or the focus uses, and what uses it.
document.querySelectorAll("#statement-map a").forEach((a) => {
  const mark = (on) => {
    a.classList.toggle("here", on);
    document.querySelectorAll(`#statement-map path[data-to="${a.id}"]`).forEach((p) => {
      p.classList.toggle("below", on); document.getElementById(p.dataset.from).classList.toggle("below", on);
    });
    document.querySelectorAll(`#statement-map path[data-from="${a.id}"]`).forEach((p) => {
      p.classList.toggle("above", on); document.getElementById(p.dataset.to).classList.toggle("above", on);
    });
  };
  for (const name of ["mouseenter", "focus"]) a.addEventListener(name, () => mark(true));
  for (const name of ["mouseleave", "blur"]) a.addEventListener(name, () => mark(false));
});
</script>"""


def edges(pages):
    """Return ``(statements in order, [(used, user), ...])``; both ends are entries with a number."""
    known, used = cards.graph(pages)
    nodes = [e for page in pages for e in page.entries if e.kind == "statement" and e.number]
    keys = {(e.page, e.anchor) for e in nodes}
    lines = []
    for key in keys & set(used):
        lines += [(known[key], user) for user in used[key] if (user.page, user.anchor) in keys]
    order = {id(e): i for i, e in enumerate(nodes)}
    return nodes, sorted(lines, key=lambda line: (order[id(line[0])], order[id(line[1])]))


def drawing(pages):
    """Return the map as SVG."""
    nodes, lines = edges(pages)
    titles = {page.name: page.title for page in pages}
    place, heads, bottom, width = {}, [], 0, 0
    for part in dict.fromkeys(dirname(e.page) for e in nodes):
        columns = list(dict.fromkeys(e.page for e in nodes if dirname(e.page) == part))
        rows = dict.fromkeys(columns, 0)
        for e in (e for e in nodes if e.page in rows):
            place[id(e)] = (8 + columns.index(e.page) * WIDE, bottom + TOP + rows[e.page] * HIGH)
            rows[e.page] += 1
        heads += [(page, 8 + i * WIDE, bottom + 28) for i, page in enumerate(columns)]
        bottom += TOP + max(rows.values()) * HIGH + 10
        width = max(width, 8 + len(columns) * WIDE)
    name = {id(e): f"at-{e.anchor}" for e in nodes}
    height = bottom + 4
    parts = []
    for low, high in lines:
        (x, y), (u, v) = place[id(low)], place[id(high)]
        x, u = (x + BOX, u) if u > x else (x + BOX, u + BOX)
        y, v = y + 9, v + 9
        bend = max(16, abs(u - x) / 2)
        end = u - bend if u > x - BOX and u != x else u + bend
        parts.append(
            f'<path d="M{x} {y}C{x + bend} {y} {end} {v} {u} {v}" '
            f'data-from="{escape(name[id(low)])}" data-to="{escape(name[id(high)])}"/>'
        )
    for page, x, y in heads:
        number = re.match(r"\d+", titles[page])
        to = relpath(f"{page}.html", dirname(PAGE))
        said = f"chapter {number[0]}" if number else page.rsplit("/", 1)[-1]
        parts.append(f'<a href="{to}"><title>{escape(titles[page])}</title><text x="{x}" y="{y}">{said}</text></a>')
    for e in nodes:
        x, y = place[id(e)]
        kind, _, number = e.number.partition(" ")
        short = {
            "Proposition": "Prop.",
            "Definition": "Def.",
            "Theorem": "Thm.",
            "Assumption": "Asm.",
            "Algorithm": "Alg.",
        }
        to = relpath(f"{e.page}.html", dirname(PAGE))
        parts.append(
            f'<a id="{escape(name[id(e)])}" href="{to}#{escape(e.anchor)}">'
            f"<title>{escape(f'{e.number} {e.title}'.strip())}</title>"
            f'<rect x="{x}" y="{y}" width="{BOX}" height="18" rx="3"/>'
            f'<text x="{x + 4}" y="{y + 13}">{short.get(kind, kind[:6])} {number}</text></a>'
        )
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="group" '
        f'aria-label="{len(nodes)} statements and {len(lines)} uses">{"".join(parts)}</svg>'
    )


def write(out, pages):
    path = out / f"{PAGE}.html"
    if path.is_file():
        text = PLACE.sub(
            lambda _: f'<div id="statement-map" tabindex="0" role="region" aria-label="Map">{drawing(pages)}</div>',
            path.read_text("utf-8"),
        )
        if SCRIPT not in text:
            text = text.replace("</body>", f"{SCRIPT}</body>")
        path.write_text(text, "utf-8")
