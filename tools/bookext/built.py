"""Read the built pages: their sections, statements, figures, formulas and symbols, and who refers to whom."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

STATEMENTS = (
    "algorithm assumption axiom conjecture corollary criterion definition example lemma notation "
    "observation property proposition remark theorem"
)
ARTICLE = re.compile(r'<article class="bd-article">(.*?)</article>', re.S)
DRAWN = re.compile(r"<(svg|script|style|noscript|button|mjx-assistive-mml)\b[^>]*>.*?</\1>", re.S)
VOID = set("area base br col embed hr img input link meta param source track wbr".split())


@dataclass
class Entry:
    """A place in the book that can be found or referred to."""

    kind: str  # section, statement, exercise, figure, formula, symbol
    page: str
    anchor: str
    title: str = ""
    number: str = ""
    text: list = field(default_factory=list)
    code: list = field(default_factory=list)
    refs: list = field(default_factory=list)  # the addresses it refers to, as written

    def words(self):
        return " ".join("".join(self.text).split())


class Page(HTMLParser):
    """The entries of one page, in order."""

    def __init__(self, name, html):
        super().__init__()
        self.name, self.entries, self.title = name, [], ""
        self._open, self._stack, self._heading, self._row = [], [], None, None
        article = ARTICLE.search(html)
        self.article = article[1] if article else ""
        # a formula counts as its MathML's text
        plain = re.sub(r"<svg\b[^>]*>.*?</svg>", "", self.article, flags=re.S)
        plain = re.sub(r"<(script|style|noscript|button)\b[^>]*>.*?</\1>", "", plain, flags=re.S)
        self.feed(plain)

    def _current(self):
        return self._open[-1][0] if self._open else None

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        classes = (values.get("class") or "").split()
        if tag in VOID:
            return
        self._stack.append((tag, classes))
        entry = None
        if tag == "section" and values.get("id"):
            entry = Entry("section", self.name, values["id"])
        elif tag == "div" and "proof" in classes and not values.get("id"):  # of the statement before it
            last = next((e for e in reversed(self.entries) if e.kind == "statement"), None)
            entry = Entry("proof", self.name, last.anchor if last else "")
        elif tag == "div" and values.get("id") and {"proof", "exercise", "solution"} & set(classes):
            kind = "exercise" if "exercise" in classes or "solution" in classes else "statement"
            entry = Entry(kind, self.name, values["id"])
        elif tag == "figure" and values.get("id"):
            entry = Entry("figure", self.name, values["id"])
        elif tag == "div" and "math" in classes and values.get("id"):
            entry = Entry("formula", self.name, values["id"], title=values.get("data-tex", ""))
        elif tag == "tr":
            self._row = Entry("symbol", self.name, "", title=None)
        if entry:
            self.entries.append(entry)
            self._open.append((entry, len(self._stack)))
        if tag in ("h1", "h2", "h3", "h4") or "admonition-title" in classes or "caption-number" in classes:
            self._heading = [] if self._heading is None else self._heading
        if tag == "a" and values.get("href") and self._current() and "headerlink" not in classes:
            self._current().refs.append(values["href"])
        if "math" in classes and values.get("data-tex"):
            if self._row is not None and self._row.title is None:
                self._row.code.append(values["data-tex"])

    def handle_endtag(self, tag):
        while self._stack and self._stack[-1][0] != tag:
            self._stack.pop()  # not closed in the source: p, li
        if not self._stack:
            return
        tag, classes = self._stack.pop()
        if self._heading is not None and (tag in ("h1", "h2", "h3", "h4") or "admonition-title" in classes):
            said, self._heading = " ".join("".join(self._heading).replace("¶", "").split()).rstrip("#").strip(), None
            entry = self._current()
            if tag == "h1":
                self.title = said
            if entry and not entry.title and not entry.number:
                found = re.match(r"((?:[A-Z][a-z]+ )?\d+(?:\.\d+)*)\.?\s*(.*)", said)
                entry.number, entry.title = (found[1], found[2]) if found else ("", said)
                if entry.kind == "statement" and entry.title.startswith("(") and entry.title.endswith(")"):
                    entry.title = entry.title[1:-1]
        elif (
            tag == "span"
            and "caption-number" in classes
            and self._heading is not None
            and self._current()
            and self._current().kind == "figure"
        ):
            self._current().number, self._heading = "".join(self._heading).strip(), None
        if tag == "td" and self._row is not None and self._row.title is None:
            self._row.title = " ".join("".join(self._row.text).split())
            self._row.text = []
        if tag == "tr" and self._row is not None:
            if self._row.title and self._open:
                section = next((e for e, _ in reversed(self._open) if e.kind == "section"), None)
                self._row.anchor = section.anchor if section else ""
                if self.name.endswith("notation"):
                    self.entries.append(self._row)
            self._row = None
        if self._open and len(self._stack) < self._open[-1][1]:
            self._open.pop()

    def handle_data(self, data):
        if any("headerlink" in classes for _, classes in self._stack):
            return
        if self._heading is not None:
            self._heading.append(data)
            return
        if self._row is not None:
            self._row.text.append(data)
        entry = self._current()
        if entry is None:
            return
        if any(tag == "pre" for tag, _ in self._stack):
            entry.code += re.findall(r"[A-Za-z_][\w.]{3,}", data)
        else:
            entry.text.append(data)


def read(out, pages):
    """Return the :class:`Page` of every built page."""
    return [Page(name, (out / f"{name}.html").read_text("utf-8")) for name in pages if (out / f"{name}.html").is_file()]


def element(html, anchor):
    """Return the element with this id, as it stands in ``html``; None if there is none."""
    found = re.search(rf'<(\w+)\b[^>]*\bid="{re.escape(anchor)}"[^>]*>', html)
    if not found:
        return None
    tag, depth = found[1], 0
    for match in re.finditer(rf"<(/?){tag}\b[^>]*>", html[found.start() :]):
        depth += -1 if match[1] else 1
        if depth == 0:
            return html[found.start() : found.start() + match.end()]
    return None
