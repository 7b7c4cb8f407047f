"""Cards: a reference shows what it leads to, to a mouse, to the keyboard and to a finger; offline."""

import re

import pytest
import site_browser as browser

PAGES = ("chapters/neurotron/5-sharper-theorem", "chapters/index", "chapters/convex/2-sampling")
SHOWN = ".tippy-box[data-state=visible] .book-card"


def opened(chromium, page, **options):
    context = browser.context(chromium, **options)
    tab = context.new_page()
    tab.errors = []
    tab.on("pageerror", lambda error: tab.errors.append(str(error)))
    tab.on("requestfailed", lambda request: tab.errors.append(request.url))
    tab.goto((browser.HTML / f"{page}.html").as_uri(), wait_until="load")
    return tab


def first(tab, kind):
    """The first reference in the text whose target is a statement (of this or another page)."""
    return tab.locator(f".bd-article p a[href*='#{kind}']:visible").first


@pytest.mark.parametrize("page", PAGES)
def test_pointing_shows_the_statement(chromium, page):
    tab = opened(chromium, page)
    link = first(tab, "thm-")
    link.scroll_into_view_if_needed()
    link.hover()
    tab.wait_for_selector(SHOWN)
    number = link.inner_text().strip()
    assert number in tab.locator(SHOWN).inner_text()
    missing = tab.evaluate(
        "[...document.querySelectorAll('.book-card use')].filter((u) => !document.getElementById(u.getAttribute('href').slice(1))).length"
    )
    assert missing == 0
    assert tab.errors == []
    tab.context.close()


def test_keyboard_shows_and_escape_closes(chromium):
    tab = opened(chromium, PAGES[0])
    link = first(tab, "thm-")
    link.focus()
    tab.keyboard.press("Shift+Tab")
    tab.keyboard.press("Tab")
    tab.wait_for_selector(SHOWN)
    tab.keyboard.press("Escape")
    tab.wait_for_selector(SHOWN, state="detached")
    tab.context.close()


def test_first_tap_shows_second_goes(chromium):
    tab = opened(chromium, PAGES[0], size=(390, 844))
    link = first(tab, "alg-neuro-tron")
    link.tap()
    tab.wait_for_selector(SHOWN)
    assert tab.url.endswith("5-sharper-theorem.html")
    box = tab.locator(".tippy-box").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    tab.locator(f"{SHOWN} .card-on").tap()
    tab.wait_for_url("**#alg-neuro-tron")
    tab.context.close()


def test_every_reference_to_a_statement_has_its_card():
    missing = []
    for page in browser.pages():
        text = (browser.HTML / f"{page}.html").read_text()
        for path, anchor in re.findall(
            r'<a class="reference internal" href="([^"#]*)#((?:thm|def|lem|prop|asm|alg|fig|cor|rem|ex)-[^"]+)"', text
        ):
            target = (browser.HTML / f"{page}.html").parent / path if path else browser.HTML / f"{page}.html"
            name = target.resolve().relative_to(browser.HTML.resolve()).with_suffix("").as_posix()
            cards = (browser.HTML / "_static" / "cards" / f"{name.replace('/', '-')}.js").read_text()
            if f'"{anchor}":"' not in cards:
                missing.append((page, path, anchor))
    assert missing == []


def test_statements_say_where_they_are_used():
    count = 0
    for page in browser.pages():
        text = (browser.HTML / f"{page}.html").read_text()
        count += text.count('<details class="used">')
        for link in re.findall(r'<div class="proof [a-z]+ admonition" id="([^"]+)"', text):
            assert f'<a class="headerlink" href="#{link}"' in text
    assert count > 100
