"""The site as a whole: its links, its search, its front door."""

import io
import json
import re
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import nbformat
import pytest
import site_browser as browser
from PIL import Image


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


@pytest.fixture
def tab(chromium):
    context = browser.context(chromium)
    tab = context.new_page()
    tab.errors = []
    tab.on("pageerror", lambda error: tab.errors.append(str(error)))
    yield tab
    context.close()


def hits(tab, query):
    """Search from a folder; return [(text, address)] of what is found."""
    tab.goto(f"{(browser.HTML / 'search.html').as_uri()}?q={query}")
    tab.wait_for_function("document.getElementById('search-count').textContent")
    return tab.evaluate(
        "[...document.querySelectorAll('#search-results a')].map((a) => [a.textContent, a.getAttribute('href')])"
    )


@pytest.mark.parametrize("query", ["12.2", "Theorem 12.2"])
def test_search_finds_a_statement_by_its_number(tab, query):
    text, address = hits(tab, query)[0]
    assert text.startswith("Theorem 12.2")
    assert address.endswith("#thm-sharp")


@pytest.mark.parametrize(
    "query, anchor", [("sharp_bound", "sharp"), ("breakdown point", "#def-breakdown"), ("notation", "notation")]
)
def test_search_finds_names_and_words(tab, query, anchor):
    assert any(anchor in address for _, address in hits(tab, query)[:3])


def test_search_finds_every_statement_and_symbol():
    data = json.loads(
        (browser.HTML / "_static/search-data.js").read_text().removeprefix("bookSearch(").removesuffix(");\n")
    )
    found = {entry["url"] for entry in data if entry["kind"] == "statement"}
    for page in browser.pages():
        text = (browser.HTML / f"{page}.html").read_text()
        for anchor in re.findall(r'<div class="proof [a-z]+ [^"]*" id="([^"]+)"', text):
            assert f"{page}.html#{anchor}" in found
    assert sum(entry["kind"] == "symbol" for entry in data) > 100


def test_search_leads_to_the_section_and_marks_the_words(tab):
    hits(tab, "breakdown point")
    assert tab.locator("#search-results mark").count() > 3  # a snippet with the words
    tab.locator("#search-results a").first.click()
    tab.wait_for_selector(".highlighted")
    assert tab.evaluate("location.hash")
    assert tab.evaluate("document.querySelector(location.hash).getBoundingClientRect().top < innerHeight")
    assert tab.errors == []


def test_lost_reader_finds_the_front_page(tab):
    text = (browser.HTML / "404.html").read_text()
    assert text.startswith("<!doctype html>")
    tab.goto((browser.HTML / "404.html").as_uri())
    tab.locator("a").first.click()
    tab.wait_for_url("**/chapters/index.html")


def test_sitemap_lists_every_page():
    listed = re.findall(r"<loc>(.*?)\.html</loc>", (browser.HTML / "sitemap.xml").read_text())
    assert sorted(listed) == [page for page in browser.pages() if page != "search"]


def test_right_answers_stand_anywhere():
    places = []
    for page in browser.pages():
        text = (browser.HTML / f"{page}.html").read_text()
        for box in re.findall(r'<div class="self-test.*?</ul>', text, flags=re.S):
            places.append(["checked" in item for item in re.findall(r"<li.*?</li>", box, flags=re.S)].index(True))
    assert len(places) >= 30
    shares = {place: places.count(place) / len(places) for place in set(places)}
    print(f"right answers by place: {shares}")
    assert max(shares.values()) <= 0.4


def test_notebook_beside_every_page_with_cells():
    for page in browser.pages():
        source = browser.ROOT / f"{page}.md"
        if source.is_file() and "{code-cell}" in source.read_text():
            notebook = nbformat.read(browser.HTML / "_sources" / f"{page}.ipynb", as_version=4)
            nbformat.validate(notebook)
            said = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
            assert not re.search(r"\\(?:norm|abs|relu|argmin|sgn|eps)\b|\\R\b", said), (
                "a macro that plain Jupyter does not know"
            )
            assert f"_sources/{page}.ipynb" in (browser.HTML / f"{page}.html").read_text()


def test_page_without_scripts_has_its_formulas_and_a_picture_of_each_explorer(chromium):
    context = chromium.new_context(java_script_enabled=False)
    tab = context.new_page()
    for page in browser.pages():
        text = (browser.HTML / f"{page}.html").read_text()
        places = text.count('class="rnn-place"')
        if not places:
            continue
        tab.goto((browser.HTML / f"{page}.html").as_uri())
        pictures = tab.locator("noscript img:visible, .cell_output figure img:visible")
        shown = [picture.evaluate("(i) => [i.naturalWidth, i.alt]") for picture in pictures.all()]
        assert len([1 for width, alt in shown if width > 100 and alt.startswith("Interactive figure")]) == places, page
    context.close()


def test_tap_on_a_solutions_title_opens_it(chromium):
    context = browser.context(chromium, size=(390, 844))
    tab = context.new_page()
    tab.goto((browser.HTML / "chapters/neurotron/2-theorem.html").as_uri(), wait_until="load")
    solution = tab.locator(".solution.dropdown").first
    hidden = "(s) => s.classList.contains('toggle-hidden')"
    assert solution.evaluate(hidden)
    solution.scroll_into_view_if_needed()
    before = tab.evaluate("scrollY")
    box = solution.locator(".admonition-title").bounding_box()
    tab.touchscreen.tap(box["x"] + 60, box["y"] + box["height"] / 2)
    tab.wait_for_timeout(300)
    assert not solution.evaluate(hidden)
    assert abs(tab.evaluate("scrollY") - before) < 5
    context.close()


def test_sliders_can_be_seen_in_forced_colours(chromium):
    context = chromium.new_context(forced_colors="active", reduced_motion="reduce")
    tab = browser.visit(context, (browser.HTML / "chapters/index.html").as_uri())
    slider = tab.locator(".rnn-explorer input[type=range]").first
    picture = Image.open(io.BytesIO(slider.screenshot())).convert("RGB")
    middle = [picture.getpixel((x, picture.height // 2)) for x in range(4, picture.width - 4)]
    paper = picture.getpixel((picture.width // 2, 1))
    assert sum(pixel != paper for pixel in middle) > 0.95 * len(middle)
    context.close()


def test_address_holds_what_an_explorer_shows(chromium):
    context = browser.context(chromium)
    tab = browser.visit(context, (browser.HTML / "chapters/index.html").as_uri() + "#explorer-1:1.4:30")
    shown = "[...document.querySelectorAll('.rnn-explorer output')].map((o) => o.textContent)"
    assert tab.evaluate("document.querySelector('.rnn-explorer select').selectedIndex") == 1
    there = tab.evaluate(shown)
    tab.get_by_role("button", name="Reset").click()
    assert tab.evaluate(shown) != there
    tab.locator(".rnn-explorer input[type=range]").first.press("Home")
    tab.wait_for_timeout(600)
    assert tab.evaluate("location.hash").startswith("#explorer-1:0.0:")
    tab.get_by_role("button", name="Play").click()
    before = tab.evaluate(shown)
    tab.wait_for_timeout(800)
    assert tab.evaluate(shown) != before
    context.close()


def test_map_shows_what_a_statement_uses_and_what_uses_it(tab):
    tab.goto((browser.HTML / "chapters/appendix/map.html").as_uri())
    tab.locator("#at-thm-sharp").focus()
    assert tab.locator("#statement-map a.below").count() >= 3
    assert tab.locator("#statement-map a.above").count() >= 3
    statements = sum(
        len(re.findall(r'<div class="proof [a-z]+ admonition" id=', (browser.HTML / f"{page}.html").read_text()))
        for page in browser.pages()
    )
    assert tab.locator("#statement-map a[id]").count() == statements
