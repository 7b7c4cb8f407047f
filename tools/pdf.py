"""Write ``_build/robust-by-proof.pdf``: the built pages, printed by Chromium and bound in the book's order.

    .venv/bin/python tools/pdf.py          # after `make book`

Solutions are open, code that a page hides stays hidden, interactive figures stand as they start. A link to
another page leads to its first sheet. Contents come first, and every sheet has its number.
"""

import contextlib
import html
import io
import itertools
import shutil
import sys
from pathlib import Path

import pypdf
from bookext import downloads
from contents import ROOT, contents
from playwright.sync_api import sync_playwright
from pypdf.generic import ArrayObject, NameObject

HTML, TARGET = ROOT / "_build" / "html", ROOT / "_build" / "robust-by-proof.pdf"
HERE = "https://book.invalid/"  # stands for this book until the sheets are numbered
STYLE = """
@page { size: A4; margin: 16mm 15mm; }
.bd-sidebar, .bd-sidebar-primary, .bd-sidebar-secondary, .bd-header, .bd-header-article, .bd-footer, .bd-footer-content,
.header-article, .prev-next-footer, .skip-link, .headerlink, .copybtn, .toggle-button, #pst-back-to-top,
.search-button__wrapper, #jb-print-docs-body, details.hide { display: none !important; }
html { font-size: 11pt; } body, .bd-content, .bd-article { background: #fff !important; }
.bd-container, .bd-container__inner, .bd-main, .bd-content, .bd-article-container, .bd-article {
  display: block !important; max-width: none !important; width: auto !important; padding: 0 !important;
  margin: 0 !important; }
.bd-article h1 { display: block !important; visibility: visible !important; margin-top: 0 !important; }
h2, h3, .admonition-title { break-after: avoid; }
figure, tr, .rnn-explorer, mjx-container, .admonition-title { break-inside: avoid; } figcaption { break-before: avoid; }
img, svg { max-width: 100%; } .rnn-bar, details.run-this, details.used { display: none !important; }
pre, .highlight, .cell_input, .cell_output, .text_html { overflow: visible !important; max-height: none !important; }
pre { white-space: pre-wrap !important; overflow-wrap: anywhere; font-size: 8.5pt !important; }
* { mask-image: none !important; }
"""
# What is folded is opened; links within a page have no target on paper.
OPEN = """(here) => {
  document.querySelectorAll('.toggle-hidden').forEach((e) => e.classList.remove('toggle-hidden'));
  document.querySelectorAll('article details:not(.hide)').forEach((e) => { e.open = true; });
  const root = new URL(here.root);
  document.querySelectorAll('a[href]').forEach((a) => {
    const to = new URL(a.href, location.href);
    if (to.protocol !== 'file:') return;
    const page = to.pathname.replace(root.pathname, '').replace(/\\.html$/, '');
    if (to.pathname === location.pathname || !here.pages.includes(page)) a.removeAttribute('href');
    else a.href = here.mark + page;
  });
}"""
# What is wider than the sheet becomes smaller.
FIT = """() => {
  const room = document.querySelector('article').clientWidth;
  document.querySelectorAll('article table, article mjx-container[display], article .rnn-explorer').forEach((e) => {
    const width = Math.max(e.scrollWidth, e.getBoundingClientRect().width), box = e.getBoundingClientRect();
    const over = Math.max(box.left + width, box.right) - room;
    if (over > 1) e.style.zoom = (width - over) / width;
  });
}"""
SETTLED = """async () => {
  window.rnnLoadAll?.();
  const places = document.querySelectorAll('.rnn-place').length;
  const until = Date.now() + 15000;
  while (Date.now() < until && document.querySelectorAll('.rnn-explorer-view > *').length < places)
    await new Promise((done) => setTimeout(done, 50));
  await document.fonts.ready;
}"""


NUMBERS = """<style>@page {{ size: A4; margin: 0; }} div {{ height: 292mm; position: relative; }}
div + div {{ break-before: page; }} body {{ margin: 0; }}
span {{ position: absolute; top: 285mm; width: 100%; text-align: center;
  font: 9pt sans-serif; color: #333; }}</style>{}"""
CONTENTS = """<!doctype html><style>@page {{ size: A4; margin: 22mm 20mm; }} body {{ font: 10.5pt/1.5 sans-serif; }}
h1 {{ font-size: 22pt; }} h2 {{ font-size: 12pt; margin: 1.1em 0 .2em; break-after: avoid; }}
p {{ display: flex; margin: 0; gap: .4em; }} i {{ flex: 1; border-bottom: 1px dotted #888;
  margin-bottom: .35em; }}</style>
<h1>Robust by Proof</h1>{}"""


@contextlib.contextmanager
def paper():
    """Yield a function that prints HTML of its own, without scripts."""
    with sync_playwright() as playwright:
        chromium = _chromium(playwright)
        tab = chromium.new_page()

        def to_pdf(html):
            tab.set_content(html)
            return pypdf.PdfReader(io.BytesIO(tab.pdf(prefer_css_page_size=True)))

        yield to_pdf
        chromium.close()


def _chromium(playwright):
    return playwright.chromium.launch(
        executable_path=shutil.which("chromium") or shutil.which("google-chrome"),
        args=["--no-sandbox", "--disable-gpu"],
    )


def table_of_contents(entries, to_pdf):
    """Return the contents, printed: ``entries`` are (part, title, sheet from 0, after the contents)."""

    def printed_with(shift):
        lines, last = [], None
        for part, title, sheet in entries:
            if part and part != last:
                lines.append(f"<h2>{html.escape(part)}</h2>")
            last = part
            lines.append(f"<p><span>{html.escape(title)}</span><i></i><span>{sheet + shift + 1}</span></p>")
        return to_pdf(CONTENTS.format("".join(lines)))

    made = printed_with(1)
    return made if len(made.pages) == 1 else printed_with(len(made.pages))


def printed(pages):
    """Yield ``(page, its part, title, PDF as bytes)`` in order."""
    with sync_playwright() as playwright:
        chromium = _chromium(playwright)
        sheet = {"width": 680, "height": 1000}  # A4 without its margins, in CSS pixels
        tab = chromium.new_context(color_scheme="light", reduced_motion="reduce", viewport=sheet).new_page()
        for page, _, part in pages:
            tab.goto((HTML / f"{page}.html").as_uri(), wait_until="load")
            tab.evaluate(SETTLED)
            tab.emulate_media(media="print")
            tab.add_style_tag(content=STYLE)
            tab.evaluate(OPEN, {"root": f"{HTML.as_uri()}/", "mark": HERE, "pages": [name for name, *_ in pages]})
            tab.evaluate(FIT)
            title = tab.locator("article h1").first.evaluate(
                "(h) => [...h.childNodes].map((n) => n.textContent).join('')"
            )
            yield page, part, title.replace("#", "").strip(), tab.pdf(prefer_css_page_size=True, print_background=True)
        chromium.close()


def bind(sheets, target):
    """Bind printed pages behind their contents, with numbers and a bookmark for each; return the number of sheets."""
    sheets = list(sheets)
    readers = [pypdf.PdfReader(io.BytesIO(content)) for *_, content in sheets]
    starts = [0, *itertools.accumulate(len(reader.pages) for reader in readers)]
    book, first, parts = pypdf.PdfWriter(), {}, {}
    with paper() as to_pdf:
        entries = [(part, title, start) for (_, part, title, _), start in zip(sheets, starts)]
        book.append(table_of_contents(entries, to_pdf), import_outline=False)
        for (page, part, title, _), reader in zip(sheets, readers, strict=True):
            first[page] = len(book.pages)
            book.append(reader, import_outline=False)
            if part and part not in parts:
                parts[part] = book.add_outline_item(title=part, page_number=first[page])
            book.add_outline_item(title=title, page_number=first[page], parent=parts.get(part))
        count = len(book.pages)
        numbers = to_pdf(NUMBERS.format("".join(f"<div><span>{n}</span></div>" for n in range(1, count + 1))))
        for sheet, number in zip(book.pages, numbers.pages):
            sheet.merge_page(number)
    for sheet in book.pages:
        for link in sheet.get("/Annots", ()):
            link = link.get_object()
            uri = str(link.get("/A", {}).get("/URI", ""))
            if uri.startswith(HERE):
                del link["/A"]
                to = book.pages[first[uri.removeprefix(HERE)]]
                link[NameObject("/Dest")] = ArrayObject([to.indirect_reference, NameObject("/Fit")])
    book.add_metadata({"/Title": "Robust by Proof"})
    book.compress_identical_objects()
    target.parent.mkdir(exist_ok=True)
    book.write(target)
    return count


def main():
    pages = [(page, chapter, part) for page, chapter, part in contents(ROOT)]
    missing = [page for page, *_ in pages if not (HTML / f"{page}.html").is_file()]
    if missing:
        sys.exit(f"{missing[0]} has not been built: run `make book` first")
    count = bind(printed(pages), TARGET)
    shutil.copy(TARGET, HTML)
    downloads.show(HTML)
    print(f"{Path(TARGET).relative_to(ROOT)}: {len(pages)} pages of the book on {count} sheets")


if __name__ == "__main__":
    main()
