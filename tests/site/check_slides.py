"""The slides (``make slides``): offline, typeset, and their interactive figures alive."""

import pytest
import site_browser as browser

FOLDER = browser.ROOT / "_build" / "course" / "slides"
PARTS = sorted(path.stem for path in FOLDER.glob("*.html"))


@pytest.fixture(scope="module", params=PARTS)
def slides(request, chromium):
    context, asked, errors = browser.context(chromium), [], []

    def listen(tab):
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.on("requestfailed", lambda request: errors.append(request.url))

    tab = browser.visit(context, (FOLDER / f"{request.param}.html").as_uri(), listen)
    tab.asked, tab.errors = asked, errors
    yield tab
    context.close()


def test_there_are_slides():
    assert len(PARTS) >= 2, "run `make slides` first"


def test_need_no_network_and_report_no_error(slides):
    assert [url for url in slides.asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert slides.errors == []


def test_are_typeset(slides):
    assert slides.evaluate("document.querySelectorAll('mjx-container').length") > 50
    assert (
        slides.evaluate("[...document.querySelectorAll('mjx-merror, [data-mjx-error]')].map((e) => e.outerHTML)") == []
    )


def test_everything_on_a_slide_fits(slides):
    low = slides.evaluate("""async () => {
      const low = [];
      for (const slide of Reveal.getSlides()) {
        const at = Reveal.getIndices(slide);
        Reveal.slide(at.h, at.v);
        await new Promise((done) => setTimeout(done, 100));
        if (slide.lastElementChild.getBoundingClientRect().bottom > innerHeight) low.push(slide.innerText.slice(0, 60));
      }
      return low;
    }""")
    assert low == []


def test_every_explorer_on_them_answers(slides):
    explorers = slides.locator(".rnn-explorer")
    assert explorers.count() == slides.locator(".rnn-place").count() > 0
    picture = "(e) => e.querySelector('.rnn-explorer-view').innerHTML"
    for index in range(explorers.count()):
        explorer = explorers.nth(index)
        explorer.evaluate("(e) => { const at = Reveal.getIndices(e.closest('section')); Reveal.slide(at.h, at.v); }")
        slides.wait_for_timeout(200)
        before = explorer.evaluate(picture)
        control = explorer.locator("input[type=range]:enabled, select:enabled").first
        if control.evaluate("(c) => c.tagName") == "SELECT":
            control.select_option(index=control.evaluate("(c) => (c.selectedIndex + 1) % c.options.length"))
        else:
            control.press("End")
            slides.wait_for_timeout(60)
            if explorer.evaluate(picture) == before:
                control.press("Home")
        slides.wait_for_timeout(60)
        assert explorer.evaluate(picture) != before
