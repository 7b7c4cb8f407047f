"""Cards: what a reference leads to, shown beside it; and below each statement, where the book uses it.

``_static/cards/PAGE.js`` holds the statements, formulas, figures, exercises and works of one page that
somebody refers to, as HTML. The page that refers asks for it when a reader points at the reference.
"""

import json
import re
from collections import defaultdict
from html import escape, unescape
from posixpath import dirname, normpath, relpath
from urllib.parse import unquote

from bookext import built
from bookext.formulas import GLYPH

USED = re.compile(r"<!--used-->.*?<!--/used-->", re.S)
CITED = re.compile(r'<div class="citation" id="([^"]+)"')
KINDS = ("statement", "exercise", "figure", "formula")


def target(page, address):
    """Return (page, anchor) of an address written on ``page``; None if it leads out of the book."""
    path, _, anchor = address.partition("#")
    if re.match(r"[a-z]+:", path) or not anchor:
        return None
    return (normpath(f"{dirname(page)}/{path}").removesuffix(".html") if path else page), unquote(anchor)


def graph(pages):
    """Return ``{(page, anchor): entry}`` of what has cards, and ``{(page, anchor): [entries that refer to it]}``."""
    known = {(e.page, e.anchor): e for page in pages for e in page.entries if e.kind in KINDS}
    used = defaultdict(list)
    for page in pages:
        for entry in page.entries:
            source = known.get((page.name, entry.anchor)) if entry.kind == "proof" else entry
            for address in entry.refs:
                to = target(page.name, address)
                if to in known and source is not None and known[to] is not source and source not in used[to]:
                    used[to].append(source)
    return known, used


def write(out, pages, formulas):
    known, used = graph(pages)
    folder = out / "_static" / "cards"
    folder.mkdir(exist_ok=True)
    wanted = defaultdict(set)
    texts = {page.name: (out / f"{page.name}.html").read_text("utf-8") for page in pages}
    for name, text in texts.items():
        for address in re.findall(r'<a class="(?:reference|step)[^"]*"[^>]*href="([^"]*#[^"]+)"', text):
            to = target(name, address)
            if to:
                wanted[to[0]].add(to[1])
    for page in pages:
        texts[page.name] = _with_uses(page, texts[page.name], used)
        (out / f"{page.name}.html").write_text(texts[page.name], "utf-8")
        found = {}
        cited = set(CITED.findall(page.article))
        for anchor in sorted(wanted[page.name]):
            if (page.name, anchor) in known or anchor in cited:
                found[anchor] = _card(page.name, page.article, anchor)
        glyphs = sorted({name for text in found.values() for name in GLYPH.findall(text)})
        data = {"cards": found, "glyphs": {name: formulas.glyphs[name] for name in glyphs}}
        said = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        (folder / f"{page.name.replace('/', '-')}.js").write_text(
            f"bookCards({json.dumps(page.name)}, {said});\n", "utf-8"
        )


def _card(page, article, anchor):
    text = built.element(article, anchor) or ""
    text = USED.sub("", text)
    text = re.sub(r'<a class="headerlink".*?</a>|<button\b.*?</button>|<noscript>.*?</noscript>', "", text, flags=re.S)
    text = re.sub(r' (?:id|tabindex|data-tex|aria-labelledby)="[^"]*"', "", text)

    def root(match):
        address = match[2]
        if re.match(r"[a-z]+:", address):
            return match[0]
        path, mark, rest = address.partition("#")
        path = normpath(f"{dirname(page)}/{path}") if path else f"{page}.html"
        return f'{match[1]}="@/{path}{mark}{rest}"'

    return re.sub(r'(<(?:a|img)\b[^>]*? (?:href|src))="([^"]+)"', root, text)


NOTATION = "chapters/notation"


def write_symbols(out, pages, formulas):
    """Write what the notation page says of each symbol, for the cards of formulas."""
    article = next((page.article for page in pages if page.name == NOTATION), "")
    found, scope = [], ""
    for mark in re.finditer(r'<h2>(.*?)</h2>|<p>Chapter: <a [^>]*href="([^"#]+)|<tr\b.*?</tr>', article, re.S):
        if mark[1] is not None:
            scope = "" if "Everywhere" in mark[1] else None  # then the next chapter's folder or page
        elif mark[2] is not None:
            scope = normpath(f"{dirname(NOTATION)}/{mark[2]}").removesuffix(".html")
        else:
            cells = re.findall(r"<td\b[^>]*>(.*?)</td>", mark[0], re.S)
            if len(cells) < 2:
                continue
            symbols = [unescape(tex) for tex in re.findall(r'class="math[^"]*" data-tex="([^"]*)"', cells[0])]
            symbols = [part.strip() for tex in symbols for part in re.split(r",\s|\\dots|;", tex) if part.strip(" ,")]
            where = re.search(r'href="([^"]+)"', cells[2]) if len(cells) > 2 else None
            page = scope
            if page is None:  # the part of adversarial corruption names no chapters
                page = "chapters/breakdown/"
            if symbols:
                text = re.sub(r' (?:id|tabindex|data-tex)="[^"]*"', "", cells[1])
                text = re.sub(r'href="(?!https?:)([^"]+)"', rf'href="@/{dirname(NOTATION)}/\1"', text)
                place = f"{dirname(NOTATION)}/{where[1]}" if where else f"{NOTATION}.html"
                found.append({"tex": symbols, "scope": page, "text": text, "url": place})
    glyphs = sorted({name for entry in found for name in GLYPH.findall(entry["text"])})
    data = {"symbols": found, "glyphs": {name: formulas.glyphs[name] for name in glyphs}}
    said = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    (out / "_static" / "cards" / "symbols.js").write_text(f'bookCards("symbols", {said});\n', "utf-8")


def name_of(entry, title):
    if entry.kind in ("statement", "exercise", "figure"):
        return entry.number or entry.title or title
    return entry.title or title


def _with_uses(page, text, used):
    """Return the page with "Used in ..." at the end of each of its statements."""
    text = USED.sub("", text)
    for entry in page.entries:
        sources = used.get((page.name, entry.anchor), []) if entry.kind == "statement" else []
        if not sources:
            continue
        element = built.element(text, entry.anchor)
        if element is None:
            continue
        links = []
        for source in sources:
            to = "" if source.page == page.name else relpath(f"{source.page}.html", dirname(page.name))
            said = name_of(source, "the text")
            if source.kind not in KINDS:
                said = f"{source.number} {said}".strip()
            links.append(f'<a href="{to}#{escape(source.anchor)}">{escape(said)}</a>')
        where = "1 place" if len(links) == 1 else f"{len(links)} places"
        listed = f'<details class="used"><summary>Used in {where}</summary><p>{"; ".join(links)}</p></details>'
        note = f"<!--used-->{listed}<!--/used-->"
        text = text.replace(element, element[: element.rindex("</div>")] + note + "</div>", 1)
    return text
