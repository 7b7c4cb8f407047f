"""The finished page: its head, what binds its formulas to the words, the icons, and the pages beside the chapters."""

import json
import re
from html import escape, unescape
from pathlib import Path

from docutils import nodes
from fontTools import subset
from sphinx.util import logging

from bookext import built, cards, downloads, explorers, map, search
from bookext.formulas import BadFormula

LOG = logging.getLogger(__name__)
# A formula is drawn as a box, and a line may break on either side of a box: its comma belongs into it.
RAW = re.compile(r'(?<=<span class="math notranslate nohighlight">)\\\((.*?)\\\)(?=</span>)', re.S)
AFTER = re.compile(r"</mjx-container></span>([.,;:!?)\]”’]+)")
BEFORE = re.compile(r'([(\[“])(<span class="math notranslate nohighlight"[^>]*>)')
STATEMENT = re.compile(
    r'(<div class="(?:proof|exercise)[^"]*admonition" id="([^"]+)">\s*)'
    r'(<p class="admonition-title">(?:(?!</p>).)*)</p>',
    re.S,
)


def setup(app):
    app.connect("builder-inited", _wrap)
    app.connect("html-page-context", _describe)
    app.connect("html-collect-pages", lambda app: [("search", {"title": "Search"}, "search.html")])
    app.connect("build-finished", _beside, priority=100)  # before the table of contents writes its own index.html


def _wrap(app):
    """Let :func:`finish` see every page as it is written; Sphinx has no event for that."""
    if app.builder.format != "html":
        return
    app.builder.search = False  # no index of Sphinx's own; the search page is ours
    templates = app.builder.templates
    render = templates.render

    def rendered(name, context):
        text = render(name, context)
        return finish(app, context["pagename"], text) if "pagename" in context and "</body>" in text else text

    templates.render = rendered


SOLUTION = re.compile(
    r'(<div class="solution[^>]*>\s*<p class="admonition-title">(?:(?!</p>).)*?)<a [^>]*>((?:(?!</p>).)*?)</a>', re.S
)


def finish(app, page, text):
    """Return the page as it is written to disk."""
    text = explorers.split(page, text, app.outdir)
    text = RAW.sub(lambda m: _drawn(app, page, m[1]), text)  # what a cell displayed as HTML: ledgers
    text = SOLUTION.sub(r"\1\2", text)  # its title opens it, and leads nowhere else
    text = AFTER.sub(r"</mjx-container>\1</span>", text)
    text = BEFORE.sub(r"\2\1", text)
    text = re.sub(r'(<div class="proof admonition)" id="proof"', r'\1"', text)  # proofs: all have this one
    text = STATEMENT.sub(r'\1\3 <a class="headerlink" href="#\2" title="Link to this statement">#</a></p>', text)
    text = re.sub(r' id="(?:proof|exercise|solution)-content"', "", text)  # each statement has the same
    return re.sub(r"(<body[^>]*>)", lambda m: m[1] + app.formulas.glyphs_of(text), text, count=1)


def _drawn(app, page, source):
    tex = unescape(source)
    try:
        return app.formulas.html(tex)
    except BadFormula as error:
        LOG.warning("formula %r: %s", tex, error, location=page)
        return source


# ---- the head ---------------------------------------------------------------------------------------


def _describe(app, page, template, context, doctree):
    context["description"] = description(doctree) if doctree is not None else ""


def description(doctree, length=200):
    """Return the first sentences of a page, as plain text."""
    text = ""
    for paragraph in doctree.findall(nodes.paragraph):
        if any(
            isinstance(n, (nodes.Admonition, nodes.admonition, nodes.container, nodes.table)) for n in _above(paragraph)
        ):
            continue
        said = " ".join("".join(_words(paragraph)).split())
        if len(said) > 30:
            text = f"{text} {said}".strip()
        if len(text) > 100:
            break
    return text if len(text) <= length else text[:length].rsplit(" ", 1)[0] + " …"


def _words(node):
    if isinstance(node, (nodes.math, nodes.raw)):
        yield "…" if isinstance(node, nodes.math) else ""
    elif isinstance(node, nodes.Text):
        yield node.astext()
    else:
        for child in node.children:
            yield from _words(child)


def _above(node):
    while node.parent is not None:
        node = node.parent
        yield node


# ---- beside the chapters ----------------------------------------------------------------------------

GONE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Not found: Robust by Proof</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<style>body { font: 1.1rem/1.6 system-ui, sans-serif; max-width: 34rem; margin: 15vh auto; padding: 0 1rem; }</style>
</head><body><main><h1>This page is not in the book</h1>
<p>It may have moved, or the address has a slip in it. The <a href="chapters/index.html">front page</a>
lists all chapters, and the <a href="search.html">search</a> knows every statement.</p></main>
<script>
// This page answers for any address below the book's folder: its links must not be read from there.
const root = location.pathname.split(/\\/(?:chapters|_static|_sources|_images)\\//)[0].replace(/\\/[^/]*\\.html?$/, "");
document.querySelectorAll("a").forEach((a) => { a.href = `${root}/${a.getAttribute("href")}`; });
</script></body></html>
"""
INDEX = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Robust by Proof</title>
<meta name="description" content="{description}">
<meta http-equiv="refresh" content="0; url={to}"></head>
<body><p><a href="{to}">Robust by Proof</a></p></body></html>
"""


def _beside(app, error):
    if error or app.builder.format != "html":
        return
    out, env = Path(app.outdir), app.env
    front = f"{app.config.root_doc}.html"
    (out / "index.html").write_text(
        INDEX.format(to=front, description="Training two-layer networks against an adversary, with proofs."), "utf-8"
    )
    (out / "404.html").write_text(GONE, "utf-8")
    listed = "".join(f"<url><loc>{escape(page)}.html</loc></url>\n" for page in sorted(env.found_docs))
    (out / "sitemap.xml").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        f"{listed}</urlset>\n",
        "utf-8",
    )
    pages = built.read(out, [page for page in toc_order(env) if page in env.found_docs])
    search.write(out, pages)
    cards.write(out, pages, app.formulas)
    cards.write_symbols(out, pages, app.formulas)
    map.write(out, pages)
    downloads.show(out)
    icons(out)
    purge(out)
    for name in ("_static/searchtools.js", "_static/language_data.js", "_static/scripts/fontawesome.js"):
        (out / name).unlink(missing_ok=True)
    for path in (out / "_static").rglob("*.map"):
        path.unlink()


def toc_order(env):
    """Return the names of the pages in the order of the book."""
    order = [env.config.root_doc]
    for page in order:
        order += [name for name in env.toctree_includes.get(page, ()) if name not in order]
    return order


def icons(out):
    """Keep, of the theme's 2000 icons, those that a page or a rule of its style sheet shows."""
    sheet = out / "_static/styles/pydata-sphinx-theme.css"
    css = sheet.read_text("utf-8")
    if "fa-solid-900" not in css:
        return  # done by an earlier build
    named = set(re.findall(r"\bfa-[a-z0-9-]+", "".join(path.read_text("utf-8") for path in out.rglob("*.html"))))
    shown = {m[1]: m[2] for m in re.finditer(r"\.(fa-[a-z0-9-]+):before(?=[^{}]*\{content:\"(\\[0-9a-f]+|.)\")", css)}
    needed = {code for name, code in shown.items() if name in named}
    needed |= set(re.findall(r'--pst-icon-[a-z-]+:"([^"]+)"', css))
    kept = "".join(f'.{name}:before{{content:"{code}"}}' for name, code in sorted(shown.items()) if name in named)
    css = re.sub(r"@font-face\{[^}]*Font Awesome[^}]*\}", "", css)
    css = re.sub(r"(?:\.fa-[a-z0-9-]+:before,?)+\{[^}]*\}", "", css)
    sheet.write_text(css, "utf-8")
    fonts, faces = out / "_static/vendor/fontawesome/webfonts", ""
    for file, family, weight in (
        ("fa-solid-900", "Font Awesome 6 Free", 900),
        ("fa-regular-400", "Font Awesome 6 Free", 400),
        ("fa-brands-400", "Font Awesome 6 Brands", 400),
    ):
        options = subset.Options(flavor="woff", notdef_outline=True)
        font = subset.load_font(str(fonts / f"{file}.ttf"), options)
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=[int(code[1:], 16) if code[0] == "\\" else ord(code[0]) for code in needed])
        cutter.subset(font)
        subset.save_font(font, str(out / f"_static/{file}.woff"), options)
        look = f"font-family:{json.dumps(family)};font-weight:{weight};font-display:block"
        faces += f'@font-face{{{look};src:url("{file}.woff")}}'
    (out / "_static/icons.css").write_text(faces + kept + "\n", "utf-8")
    for path in fonts.iterdir():
        path.unlink()


KEPT = (
    "bs-",
    "collapse",
    "collapsing",
    "modal",
    "popover",
    "tippy",
    "tooltip",
    "dropdown",
    "show",
    "fade",
)  # put together by scripts


def purge(out):
    """Take out of the style sheets of the theme and its kin the rules of classes that no page and no script names."""
    texts = [path.read_text("utf-8") for pattern in ("*.html", "*.js") for path in out.rglob(pattern)]
    known = set().union(*(re.findall(r"[A-Za-z_][\w-]*", text) for text in texts))

    def alive(selector):
        selector = re.sub(r":not\([^)]*\)", "", selector)
        return all(name in known or name.startswith(KEPT) for name in re.findall(r"\.([A-Za-z_][\w-]*)", selector))

    def rule(match):
        selectors, body = match[1], match[2]
        if selectors.lstrip().startswith(("@", "/*")) or "." not in selectors:
            return match[0]
        kept = [selector for selector in re.split(r",(?![^(]*\))", selectors) if alive(selector)]
        return f"{','.join(kept)}{{{body}}}" if kept else ""

    static = out / "_static"
    for path in (
        static / "styles/pydata-sphinx-theme.css",
        *static.glob("sphinx-design*.css"),
        *static.glob("mystnb*.css"),
    ):
        css = re.sub(r"/\*.*?\*/", "", path.read_text("utf-8"), flags=re.S)
        path.write_text(re.sub(r"([^{}]+)\{([^{}]*)\}", rule, css), "utf-8")
