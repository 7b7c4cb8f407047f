"""Write ``_build/robust-by-proof.pdf``: the built pages, printed by Chromium and bound in the book's order.

    .venv/bin/python tools/pdf.py          # after `make book`

Solutions are open, code that a page hides stays hidden, interactive figures stand as they start. A link to
another page leads to its first sheet.
"""

import io
import shutil
import sys
from pathlib import Path

import pypdf
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
figure, tr, .rnn-explorer { break-inside: avoid; } img, svg { max-width: 100%; }
pre { white-space: pre-wrap; }
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


def printed(pages):
    """Yield ``(page, its part, title, PDF as bytes)`` in order."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"),
            args=["--no-sandbox", "--disable-gpu"],
        )
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
    """Bind printed pages into one file with a bookmark for each, under its part; return the number of sheets."""
    book, first, parts = pypdf.PdfWriter(), {}, {}
    for page, part, title, content in sheets:
        first[page] = len(book.pages)
        book.append(io.BytesIO(content), import_outline=False)
        if part and part not in parts:
            parts[part] = book.add_outline_item(title=part, page_number=first[page])
        book.add_outline_item(title=title, page_number=first[page], parent=parts.get(part))
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
    return len(book.pages)


def main():
    pages = [(page, chapter, part) for page, chapter, part in contents(ROOT)]
    missing = [page for page, *_ in pages if not (HTML / f"{page}.html").is_file()]
    if missing:
        sys.exit(f"{missing[0]} has not been built: run `make book` first")
    count = bind(printed(pages), TARGET)
    print(f"{Path(TARGET).relative_to(ROOT)}: {len(pages)} pages of the book on {count} sheets")


if __name__ == "__main__":
    main()
