"""The site as a whole: its links, its search, its front door."""

from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import site_browser as browser


class _Document(HTMLParser):
    """Collect a page's anchors, its links, and what it loads."""

    def __init__(self, path):
        super().__init__()
        self.anchors, self.links, self.loads = {""}, [], []
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.anchors.update(values[name] for name in ("id", "name") if values.get(name))
        if tag in ("a", "area") and values.get("href"):
            self.links.append(values["href"])
        elif tag == "link" and values.get("rel") in ("canonical", "next", "prev", "index", "search"):
            self.links.append(values["href"])
        else:
            self.loads += [values[name] for name in ("src", "href") if values.get(name)]


def test_no_link_is_broken_and_nothing_is_loaded_from_elsewhere():
    documents = {path.as_uri(): _Document(path) for path in browser.HTML.rglob("*.html") if "_static" not in path.parts}
    broken, foreign = [], []
    for address, document in documents.items():
        foreign += [
            (address, load)
            for load in document.loads
            if urlsplit(load).scheme in ("http", "https") or load.startswith("//")
        ]
        for link in document.links + document.loads:
            target, anchor = urldefrag(urljoin(address, link))
            parts = urlsplit(target)
            if parts.scheme != "file":
                continue
            path = browser.Path(unquote(parts.path))
            known = documents.get(path.as_uri())
            if not path.is_file() or (known and unquote(anchor) not in known.anchors):
                broken.append((address, link))
    assert not foreign
    assert not broken


def test_top_page_leads_to_the_landing_page(chromium):
    tab = browser.context(chromium).new_page()
    tab.goto((browser.HTML / "index.html").as_uri())
    tab.wait_for_url("**/chapters/index.html")
    assert "Robust by Proof" in tab.title()


def test_search_works_from_a_folder(chromium):
    context = browser.context(chromium)
    tab = browser.visit(context, (browser.HTML / "search.html").as_uri() + "?q=notation")
    tab.wait_for_selector("#search-results li a")
    context.close()
