"""Beside every page its notebook for plain Jupyter, in the download menu, and a box that says how to run it."""

import json
import re
from html import escape
from pathlib import Path

import contents
import notebooks as plain

BOX = """<details class="run-this"><summary>Run this page</summary>
<p>In a copy of the book's repository:</p>
<pre>make lab
# in JupyterLab: open {source}</pre>
<p>Or in a Jupyter of your own, which has the package (<code>python -m pip install .</code> in the repository):
download <a href="{notebook}" download>{name}</a> and open it.</p></details>
"""


def setup(app):
    app.connect("html-page-context", _offer, priority=100)  # before the theme makes its buttons
    app.connect("build-finished", _write)


def _runs(app, page):
    return page in getattr(app.env, "nb_metadata", {}) and (Path(app.srcdir) / f"{page}.md").is_file()


def _offer(app, page, template, context, doctree):
    if app.builder.format != "html" or doctree is None or not _runs(app, page):
        return
    if not _has_cells(Path(app.srcdir) / f"{page}.md"):
        return
    context["ipynb_source"] = f"{page}.ipynb"
    if page == app.config.root_doc:
        return  # it has a button
    box = BOX.format(
        source=f"{page}.md",
        notebook=escape(f"{'../' * page.count('/')}_sources/{page}.ipynb"),
        name=f"{page.rsplit('/', 1)[-1]}.ipynb",
    )
    # below what the page promises, else below its title
    body = context["body"]
    first = re.search(r'<div class="tip admonition">.*?\n</div>\n|</h1>\n', body, re.S)
    if first:
        context["body"] = body[: first.end()] + box + body[first.end() :]


def _has_cells(path):
    return "{code-cell}" in path.read_text(encoding="utf-8")


def _write(app, error):
    if error or app.builder.format != "html":
        return
    root, out = Path(app.srcdir), Path(app.outdir)
    book = contents.read_book(root, contents.run_values(root))
    for page in book.pages:
        if _has_cells(root / f"{page}.md"):
            made = plain.notebook(book, page, (root / f"{page}.md").read_text(encoding="utf-8"), solutions=True)
            target = out / "_sources" / f"{page}.ipynb"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(json.dumps(made, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")
