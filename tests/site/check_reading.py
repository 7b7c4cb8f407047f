"""What a reader trips over, on every page at every width: cut formulas, parted points, tiny labels, slow starts."""

import re

import pytest
import site_browser as browser

WIDTHS = (360, 390, 640, 820, 1280, 1920)
DESKTOP = (1280, 1920)


@pytest.fixture(scope="module")
def tab(chromium, address, page):
    context = browser.context(chromium)
    tab = browser.visit(context, f"{address}/{page}.html")
    tab.evaluate("document.querySelectorAll('article details').forEach((d) => { d.open = true; })")
    tab.evaluate("document.querySelectorAll('.toggle-hidden').forEach((e) => e.classList.remove('toggle-hidden'))")
    yield tab
    context.close()


# Each formula, and each number of one, lies in the window, or in a box that really scrolls to both its ends.
CUT = """() => {
  const found = [];
  for (const formula of document.querySelectorAll('.bd-article mjx-container, .bd-article .eqno')) {
    const ink = () => (formula.querySelector(':scope > svg') ?? formula).getBoundingClientRect();
    if (!ink().width) continue;
    let box = formula, scrolls = null;
    for (; box && box.tagName !== 'ARTICLE'; box = box.parentElement)
      if (['auto', 'scroll'].includes(getComputedStyle(box).overflowX) && box.scrollWidth > box.clientWidth + 1) { scrolls = box; break; }
    if (!scrolls) {
      const article = document.querySelector('.bd-article').getBoundingClientRect();
      if (ink().left < article.left - 1 || ink().right > Math.min(article.right, innerWidth) + 1) found.push(formula.outerHTML.slice(0, 80));
      continue;
    }
    const room = () => { const r = scrolls.getBoundingClientRect(); return [r.left + scrolls.clientLeft, r.left + scrolls.clientLeft + scrolls.clientWidth]; };
    scrolls.scrollLeft = 0;
    const start = scrolls.scrollLeft, first = ink().left >= room()[0] - 1;
    scrolls.scrollLeft = 1e6;
    const last = scrolls.scrollLeft > start && ink().right <= room()[1] + 1;
    scrolls.scrollLeft = 0;
    if (!first || !last) found.push((formula.closest('[data-tex]')?.dataset.tex ?? formula.textContent).slice(0, 80));
  }
  return found;
}"""


SHADOWLESS = """() => [...document.querySelectorAll('.bd-article *')].filter((e) =>
  ['auto', 'scroll'].includes(getComputedStyle(e).overflowX) && e.clientWidth && e.scrollWidth > e.clientWidth + 1
  && !getComputedStyle(e).maskImage.includes('gradient')).map((e) => e.outerHTML.slice(0, 120))"""


# Text that begins with a point or comma stands on the line of what it follows.
PARTED = r"""() => {
  const found = [], walk = document.createTreeWalker(document.querySelector('.bd-article'), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode;
    if (!/^[.,;:!?)\]]/.test(text.data) || text.parentElement.closest('pre, svg, mjx-container, .rnn-explorer')) continue;
    let before = text.previousSibling ?? text.parentElement.previousSibling;
    if (!before || before.nodeType !== 1) continue;
    const range = document.createRange();
    range.setStart(text, 0); range.setEnd(text, 1);
    const mark = range.getBoundingClientRect(), rects = [...before.getClientRects()];
    if (mark.width && rects.length && mark.top > rects.at(-1).bottom - 2) found.push(text.parentElement.textContent.slice(0, 60));
  }
  return found;
}"""


# Sizes as they appear: a drawing that shrinks takes its labels along.
TINY = """() => [...document.querySelectorAll('.bd-article svg text, .bd-article p, .bd-article li, .bd-article td, .bd-article th, .bd-article figcaption, .bd-article label')]
  .filter((e) => e.getClientRects().length && !e.closest('mjx-container, .glyphs'))
  .map((e) => [parseFloat(getComputedStyle(e).fontSize) * (e.getScreenCTM ? Math.abs(e.getScreenCTM().a) : 1), e.textContent.trim().slice(0, 40)])
  .filter(([size, text]) => text && size < 9.5)"""


WIDER = "() => document.documentElement.scrollWidth - innerWidth > 0 ? [document.documentElement.scrollWidth] : []"
DISPLAYS = """() => [...document.querySelectorAll('.bd-article div.math > .formula')]
  .filter((f) => f.clientWidth && f.scrollWidth > f.clientWidth + 1)
  .map((f) => [f.scrollWidth - f.clientWidth, f.parentElement.dataset.tex.slice(0, 120)])"""
STOPS = """() => [...document.querySelectorAll(
  'mjx-container[tabindex], mjx-container [tabindex], div.math [tabindex="0"]')].map((e) => e.outerHTML.slice(0, 80))"""
EVERYWHERE = {
    "a formula is cut": CUT,
    "the page is wider than the window": WIDER,
    "what scrolls does not show it": SHADOWLESS,
    "a point stands alone on its line": PARTED,
    "a label is tiny": TINY,
}
ON_A_DESKTOP = {"a display is wider than its column": DISPLAYS, "a formula is a stop of the Tab key": STOPS}


@pytest.mark.parametrize("width", WIDTHS)
def test_page_reads_well_at_this_width(tab, width):
    tab.set_viewport_size({"width": width, "height": 900})
    tab.wait_for_timeout(200)  # the page measures itself again in a frame of its own
    asked = EVERYWHERE | (ON_A_DESKTOP if width in DESKTOP else {})  # in narrow windows what scrolls must be reachable
    found = {name: tab.evaluate(f"({program})()") for name, program in asked.items()}
    assert {name: where for name, where in found.items() if where} == {}


def test_ids_are_unique(tab):
    assert (
        tab.evaluate(
            "[...document.querySelectorAll('[id]')].map((e) => e.id).filter((id, i, all) => all.indexOf(id) !== i)"
        )
        == []
    )


RAW_NUMBERS = r"""() => {
  const found = [], walk = document.createTreeWalker(document.querySelector('.bd-article'), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode;
    if (text.parentElement.closest('pre, code, script, style, noscript, svg, mjx-container, .rnn-explorer, .ledger, table, .sig')) continue;
    found.push(...(text.data.match(/\d(\.\d+)?e[-+]?\d+\b|\d\.\d{9,}|(?<![\d.,\u202f])\d{5,}(?![\d.]|\/\d)|\d \d{3}\b/g) ?? []).map((n) => [n, text.data.trim().slice(0, 80)]));
  }
  return found;
}"""


def test_numbers_in_prose_are_written_as_in_print(tab):
    assert tab.evaluate(RAW_NUMBERS) == []


def test_plumbing_is_not_shown(tab):
    lines = tab.evaluate("[...document.querySelectorAll('.cell_input pre')].flatMap((p) => p.textContent.split('\\n'))")
    assert [line for line in lines if re.match(r"\s*glue\(|from myst_nb import glue$", line)] == []


def test_head_says_what_the_page_is(tab, page):
    text = (browser.HTML / f"{page}.html").read_text()
    assert text.lstrip().lower().startswith("<!doctype html>")
    if page == "search":
        return
    for property in ("og:title", "og:description", "og:type"):
        assert tab.evaluate("(p) => document.querySelector(`meta[property='${p}']`)?.content ?? ''", property).strip()
    assert len(tab.evaluate("document.querySelector('meta[name=description]')?.content ?? ''")) > 40


# ---- weight and time --------------------------------------------------------------------------------

LIMITS = {"bytes": 1_500_000, "requests": 40}


def measured(chromium, url):
    """Return bytes, requests and seconds to interactive at a quarter of the speed, of a first visit."""
    context = browser.context(chromium)
    tab = context.new_page()
    session = context.new_cdp_session(tab)
    session.send("Network.enable")
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    asked, weight = [], []
    session.on("Network.requestWillBeSent", lambda event: asked.append(event["request"]["url"]))
    session.on("Network.loadingFinished", lambda event: weight.append(event["encodedDataLength"]))
    tab.add_init_script(
        "window.busy = [0]; new PerformanceObserver((list) => list.getEntries().forEach((e) => busy.push(e.startTime + e.duration)))"
        ".observe({ type: 'longtask', buffered: true });"
    )
    tab.goto(url, wait_until="load")
    tab.wait_for_timeout(1500)
    seconds = tab.evaluate(
        "Math.max(performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd, ...busy) / 1000"
    )
    context.close()
    return {
        "bytes": int(sum(weight)),
        "requests": len([url for url in asked if not url.startswith(("data:", "blob:"))]),
        "seconds": seconds,
    }


def test_page_is_light(chromium, address, page, weights):
    """Seconds are printed beside, and not asserted: what else the machine does is no fault of the page."""
    weights[page] = measured(chromium, f"{address}/{page}.html")
    assert {key: weights[page][key] for key, limit in LIMITS.items() if weights[page][key] >= limit} == {}
