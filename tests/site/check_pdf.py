"""The book on paper (``make pdf``): nothing is missing, and no link leads to the machine that printed it."""

import unicodedata

import pypdf
import pytest
import site_browser as browser

PDF = browser.HTML.parent / "robust-by-proof.pdf"


def plain(text):
    """Letters and digits only: lines break and ligatures form as the printer likes."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if c.isalnum()).lower()


@pytest.fixture(scope="module")
def book():
    if not PDF.is_file():  # minutes of printing: not in every run
        pytest.skip("run `make pdf` first")
    return pypdf.PdfReader(PDF)


def bookmarks(book):
    def leaves(items):
        for item, after in zip(items, [*items[1:], None], strict=True):
            if isinstance(item, list):
                yield from leaves(item)
            elif not isinstance(after, list):
                yield item.title, book.get_destination_page_number(item)

    return list(leaves(book.outline))


def test_every_page_is_there_under_its_bookmark(book, chromium):
    found = bookmarks(book)
    pages = [page for page in browser.pages() if page != "search"]
    assert len(found) == len(pages)
    context = browser.context(chromium)
    titles = []
    tab = context.new_page()
    for page in pages:
        tab.goto((browser.HTML / f"{page}.html").as_uri(), wait_until="domcontentloaded")
        titles.append(plain(tab.title().split(" — ")[0].split(" – ")[0]))
    context.close()
    for title, sheet in found:
        assert plain(title) in plain(book.pages[sheet].extract_text()), title
    said = {plain(title).lstrip("0123456789") for title, _ in found}
    assert [title for title in titles if title.lstrip("0123456789") not in said] == []


def test_links_lead_into_the_book_or_to_the_web(book):
    links = [link.get_object() for sheet in book.pages for link in sheet.get("/Annots", ())]
    uris = [str(link["/A"]["/URI"]) for link in links if "/A" in link and "/URI" in link["/A"]]
    assert [uri for uri in uris if not uri.startswith(("http://", "https://"))] == []
    assert [uri for uri in uris if "book.invalid" in uri] == []
    assert sum("/Dest" in link for link in links) > 50


def test_contents_and_numbers_lead_to_the_pages(book):
    text = book.pages[0].extract_text()
    assert "Robust by Proof" in text
    found = bookmarks(book)
    listed = plain("".join(sheet.extract_text() for sheet in book.pages[: found[0][1]]))
    for title, sheet in found:
        assert f"{plain(title)}{sheet + 1}" in listed, title
    for at in (0, len(book.pages) // 2, len(book.pages) - 1):
        assert book.pages[at].extract_text().strip().endswith(str(at + 1))
