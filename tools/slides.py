"""Write ``_build/course/slides``: a lecture of slides for each part, from its pages, alive and offline.

    .venv/bin/python tools/slides.py           # after `make book`

What becomes a slide: the title of a page with what it promises; every section with its first paragraph;
every definition, assumption, algorithm, lemma, proposition and theorem, without its proof; every figure
and every interactive figure, as the last run of the book drew it. Exercises do not. A cell tagged
``no-slide`` is left out, one tagged ``slide`` is shown with its code and what it printed.
"""

import hashlib
import html
import re
import shutil
import sys
from pathlib import Path

import jupytext
import nbformat
from bookext.explorers import front_end, models, script
from bookext.formulas import Formulas, macros
from contents import FENCE, ROOT, STATEMENTS, closing, contents, read_book, run_values
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from notebooks import Writer

STYLE = """
.reveal { font: 28px/1.4 "DejaVu Sans", "Segoe UI", Roboto, Arial, sans-serif; color: #1b1f24; }
body { background: #fff; }
.reveal .slides section { text-align: left; }
.reveal h1 { font-size: 1.8em; line-height: 1.15; color: #0b57a4; }
.reveal h2 { font-size: 1.3em; color: #0b57a4; margin: 0 0 .6em; }
.reveal p, .reveal ul, .reveal ol { margin: .5em 0; }
h1, h2 { margin: 0 0 .5em; }
.reveal table { border-collapse: collapse; margin: .5em 0; }
.reveal td, .reveal th { border-bottom: 1px solid #bbb; padding: .2em .5em; }
.reveal figure { margin: 0; text-align: center; } .reveal figcaption { font-size: .6em; margin-top: .4em; }
.reveal figure svg, .reveal figure img { max-width: 100%; max-height: 520px; width: auto; }
.reveal .explorer { font-size: 16px; color: #1b1f24; } .reveal a { color: #0b57a4; }
.reveal pre { font-size: .55em; background: #f4f6f8; padding: .6em; overflow-x: auto; }
.reveal hr { display: none; } .reveal .controls { font-size: 6px; } .reveal .slide-number { right: auto; left: 8px; }
"""
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="reveal/dist/reveal.css"><style>{style}</style>
<link rel="stylesheet" href="explorers.css"><style>{formulas}</style>
<script src="reveal/dist/reveal.js"></script><script src="explorers.js"></script>
<script src="explorers-loader.js"></script>
</head><body>{glyphs}<main class="reveal"><div class="slides">
{slides}
</div></main>
<script>
Reveal.initialize({{ width: 1120, height: 740, margin: 0.04, hash: true, slideNumber: "c/t",
  center: false, transition: "none" }});
// What is on a slide fits on it: text and formulas get smaller, a figure with all that belongs to it too.
function fit() {{
  const slide = Reveal.getCurrentSlide(), body = slide && slide.querySelector(":scope > .body");
  if (!body) return;
  body.style.zoom = 1;
  const bottom = () => body.offsetTop + body.getBoundingClientRect().height / Reveal.getScale();
  for (let zoom = 0.95; zoom > 0.4 && bottom() > 720; zoom -= 0.05) body.style.zoom = zoom;
}}
// what was drawn on a slide that was hidden measures itself again
Reveal.on("slidechanged", () => {{ window.dispatchEvent(new Event("resize")); requestAnimationFrame(fit); }});
new ResizeObserver(fit).observe(document.querySelector(".slides"));
window.addEventListener("load", fit);
</script></body></html>
"""


FORMULAS = Formulas(macros(ROOT))


def markdown(text):
    shown = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin, renderer=_formula).render(text)
    return re.sub(
        r'<a href="[^"]*\.ipynb">(.*?)</a>', r"\1", shown, flags=re.S
    )  # the notebooks are not beside the slides


def _formula(text, options):
    return FORMULAS.html(text, display=bool(options.get("display_mode")))


def executed(root):
    """Return the executed code cells of every page, by the digest of their sources."""
    return {
        _key(nb.cells): nb
        for path in (root / ".jupyter_cache/executed").glob("*/base.ipynb")
        for nb in [nbformat.read(path, as_version=4)]
    }


def _key(cells):
    return hashlib.sha256("\0".join(cell.source for cell in cells if cell.cell_type == "code").encode()).hexdigest()


def page_slides(book, page, runs):
    """Return ``(slides as HTML, widget states)`` of one page."""
    source = jupytext.reads((ROOT / f"{page}.md").read_text(), fmt="md:myst")
    code = [cell for cell in source.cells if cell.cell_type == "code"]
    run = runs.get(_key(code))
    if code and run is None:
        sys.exit(f"{page} has not been executed as it is now: run `make book` first")
    outputs = iter(cell for cell in run.cells if cell.cell_type == "code") if run else iter(())
    writer, slides, heading, lead, done = Writer(book, page), [], book.titles[page], "", False

    def add(body="", *, joins=False):
        """Add a slide; the paragraph that opens the section stands on it too if there is room."""
        nonlocal lead
        if lead and not (joins and len(lead) < 250):
            slides.append(_slide(heading, lead))
            lead = ""
        if body:
            slides.append(_slide(heading, lead + body))
        lead = ""

    for cell in source.cells:
        if cell.cell_type == "code":
            ran, tags = next(outputs), cell.metadata.get("tags", [])
            figure = cell.metadata.get("mystnb", {}).get("figure", {})
            if done or "no-slide" in tags or not (figure or "slide" in tags):
                continue
            shown = "".join(filter(None, map(_output, ran.outputs)))
            listing = f"<pre>{html.escape(cell.source)}</pre>" if "slide" in tags else ""
            caption = (
                markdown(f"*Figure {book.labels[figure['name']][1]}.* {writer.inline(figure['caption'])}")
                if figure
                else ""
            )
            add(
                f"{listing}<figure>{shown}<figcaption>{caption}</figcaption></figure>",
                joins="explorer" not in shown and not listing,
            )
            continue
        lines, i = cell.source.split("\n"), 0
        while i < len(lines) and not done:
            match, line = FENCE.match(lines[i]), lines[i]
            if match:
                end = closing(lines, i, match[2])
                if match[3] == "admonition" and not slides:
                    text = writer.block(lines[i + 1 : end])
                    slides.append(_slide(book.titles[page], markdown(re.sub(r"^:.*$", "", text, flags=re.M)), level=1))
                elif match[3].removeprefix("prf:") in STATEMENTS.split():
                    text = writer.block(lines[i : end + 1]).replace("---", "")
                    add(markdown(text), joins=len(text) < 700)
                i = end
            elif line.startswith("## "):
                add()
                heading, done = line[3:], line == "## Exercises"
                if not done:
                    after = "\n".join(lines[i + 1 :]).strip().split("\n\n")[0]
                    first = writer.block(after.split("\n")) if not re.match(r"[`:$%(]", after) else ""
                    lead = markdown(first) if first.strip() else ""  # else the heading stands over what follows
            i += 1
    add()
    state = (
        run.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
        if run
        else {}
    )
    return slides, state


def _slide(heading, body, level=2):
    return f'<section><h{level}>{html.escape(heading)}</h{level}><div class="body">{body}</div></section>'


def _output(output):
    data = output.get("data", {})
    if view := data.get("application/vnd.jupyter.widget-view+json"):
        name = view["model_id"]
        return f'<div class="explorer rnn-place" data-explorer="{name}" data-src="explorers/{name}.js"></div>'
    if "text/html" in data:
        return "".join(data["text/html"])
    if output.output_type == "stream":
        return f"<pre>{html.escape(output.text)}</pre>"
    return None


def main():
    book, runs, target = read_book(ROOT, run_values(ROOT)), executed(ROOT), ROOT / "_build" / "course" / "slides"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(ROOT / ".cache" / "reveal", target / "reveal")
    shutil.copy(ROOT / "_assets" / "explorers-loader.js", target)
    shutil.copy(ROOT / "robustnn_core" / "explorers" / "front.css", target / "explorers.css")
    (target / "explorers.js").write_text(front_end())
    (target / "explorers").mkdir()
    rules = (ROOT / "_assets" / "book.css").read_text().split("/* formulas */")[1]
    parts = {}
    for page, chapter, part in contents(ROOT):
        if chapter and not page.endswith("summary"):
            parts.setdefault((Path(page).parent.name, part), []).append(page)
    for (name, title), pages in parts.items():
        stacks, state = [f"<section><h1>{html.escape(title)}</h1><p>Robust by Proof</p></section>"], {}
        for page in pages:
            slides, widgets = page_slides(book, page, runs)
            stacks.append("<section>\n" + "\n".join(slides) + "\n</section>")
            state |= widgets
        for model, values in models(state).items():
            (target / "explorers" / f"{model}.js").write_text(script(model, values))
        slides = "\n".join(stacks)
        (target / f"{name}.html").write_text(
            PAGE.format(
                title=html.escape(title),
                style=STYLE,
                formulas=rules,
                glyphs=FORMULAS.glyphs_of(slides),
                slides=slides,
            )
        )
    FORMULAS.close()
    print(f"slides of {len(parts)} parts in _build/course/slides: open an .html file, no network needed")


if __name__ == "__main__":
    main()
