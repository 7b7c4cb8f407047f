"""Every built page, as a reader meets it: offline, typeset, legible, reachable, alive."""

import pytest
import site_browser as browser

AXE = browser.ROOT / ".cache" / "checks" / "axe.min.js"


def test_needs_no_network_and_reports_no_error(served, opened):
    for tab in (served, opened):
        assert not tab.heard.foreign
        assert not tab.heard.failed
        assert not tab.heard.errors


def test_mathematics_is_typeset(served, opened):
    for tab in (served, opened):
        assert (
            tab.evaluate(
                "[...document.querySelectorAll('.math')].filter((m) => !m.querySelector('mjx-container')).length"
            )
            == 0
        )
        assert (
            tab.evaluate("[...document.querySelectorAll('mjx-merror, [data-mjx-error]')].map((e) => e.outerHTML)") == []
        )
        assert tab.evaluate(RAW_MARKUP) == []


# Text outside code that still reads as TeX or MyST source.
RAW_MARKUP = r"""() => {
  const found = [], skip = 'script, style, pre, code, textarea, mjx-container, .rnn-explorer-source';
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.textContent, parent = walk.currentNode.parentElement;
    if (/\\[(\[]|\$[^$\n]+\$|\\begin\{|\\(frac|alpha|theta|le|sum)\b|\{(prf:ref|ref|eq|cite|cite:t|numref|glue)[^}]*\}|^:label:|```/m.test(text) && !parent.closest(skip))
      found.push(text.trim().slice(0, 120));
  }
  return found;
}"""


def test_every_picture_has_a_text(served):
    assert served.evaluate("[...document.images].filter((i) => !i.alt.trim()).map((i) => i.src)") == []
    assert served.evaluate(UNNAMED) == []


UNNAMED = """() => [...document.querySelectorAll('svg[role=img]')].filter((s) =>
  !s.ariaLabel?.trim() && !document.getElementById(s.getAttribute('aria-labelledby'))?.textContent.trim()
  && s.ariaHidden !== 'true').map((s) => s.outerHTML.slice(0, 200))"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(served, scheme):
    served.add_style_tag(
        content="* { transition: none !important; animation: none !important; }"
    )  # else colours are met on their way
    served.evaluate("(scheme) => { document.documentElement.dataset.theme = scheme; }", scheme)
    served.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    if not served.evaluate("!!window.axe"):
        served.evaluate(AXE.read_text())
    found = served.evaluate("async () => (await axe.run()).violations")
    assert [
        f"{rule['id']}: {node['html'][:200]} {node['failureSummary']}" for rule in found for node in rule["nodes"]
    ] == []


def test_fits_a_phone(phone):
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    assert phone.evaluate(CUT_OFF) == []
    assert phone.evaluate(OUT_ON_THE_LEFT) == []


# Elements of the text that leave the window and cannot be scrolled into it.
CUT_OFF = """() => [...document.querySelectorAll('article.bd-article *')].filter((e) => {
  const box = e.getBoundingClientRect();
  if (box.right <= 391 || box.width <= 1 || e.closest('mjx-assistive-mml, .sr-only, .visually-hidden')) return false;
  for (let p = e.parentElement; p && p.tagName !== 'ARTICLE'; p = p.parentElement)
    if (['auto', 'scroll'].includes(getComputedStyle(p).overflowX)) return false;
  return true;
}).map((e) => e.outerHTML.slice(0, 160))"""


# Scrolling goes to the right only: a formula that begins left of its box can never be read.
OUT_ON_THE_LEFT = """() => [...document.querySelectorAll('div.math')].filter((d) => {
  const start = d.getBoundingClientRect().left - d.scrollLeft - 1;
  return [...d.querySelectorAll('mjx-mi, mjx-mn, mjx-mo')].some((e) => e.getBoundingClientRect().left < start);
}).map((d) => d.textContent.slice(0, 80))"""


def test_every_explorer_answers_to_every_control(opened):
    views = opened.locator(".rnn-place").count()
    explorers = opened.locator(".rnn-explorer")
    assert explorers.count() == views, "an interactive figure did not draw itself"
    for explorer in explorers.all():
        controls = explorer.locator("input:enabled, select:enabled, button:enabled").all()
        assert controls, "an explorer without a control"
        for control in controls:
            name = control.evaluate("(c) => c.ariaLabel || c.labels?.[0]?.textContent || c.textContent || c.outerHTML")
            seen = _states(explorer, control)
            assert len(seen) > 1, f"nothing changes when {name.strip()!r} is moved"


def _states(explorer, control):
    """Operate a control as a keyboard user does; return the set of pictures it produced."""
    picture = "(e) => e.querySelector('.rnn-explorer-view').innerHTML"
    seen = {explorer.evaluate(picture)}
    kind = control.evaluate("(c) => c.tagName === 'INPUT' ? c.type : c.tagName.toLowerCase()")
    if kind == "select":
        options = control.locator("option:enabled").count()
        actions = [lambda i=i: control.select_option(index=i) for i in range(options)]
    elif kind == "range":
        actions = [lambda key=key: control.press(key) for key in ("Home", "End")]
    elif kind in ("checkbox", "radio", "button"):
        actions = [lambda: control.press("Space")]
    else:
        raise AssertionError(f"no way is known to operate an input of type {kind}")
    for act in actions:
        act()
        control.page.wait_for_timeout(60)
        seen.add(explorer.evaluate(picture))
    return seen
