"""The front end of the explorers in a browser, without Jupyter: a page, the module and a plain model."""

import base64
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from robustnn_core import explorers, figures
from robustnn_core.explorers import Control, Series

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

MODEL = """async ([source, css, state, bytes]) => {
  document.head.insertAdjacentHTML("beforeend", `<style>${css}</style>`);
  const data = Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0));
  const values = { ...state, data: new DataView(data.buffer) }, heard = {};
  window.model = {
    get: (name) => values[name],
    set: (name, value) => { values[name] = value; (heard[`change:${name}`] ?? []).forEach((f) => f()); },
    on: (name, f) => (heard[name] ??= []).push(f),
    off: (name, f) => (heard[name] = (heard[name] ?? []).filter((g) => g !== f)),
    save_changes: () => (window.saved = (window.saved ?? 0) + 1),
  };
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const module = await import(url);
  const el = document.body.appendChild(document.createElement("div"));
  window.close_explorer = await module.default.render({ model: window.model, el });
}"""


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as run:
        chromium = run.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    tab = context.new_page()
    tab.errors = []
    tab.on("pageerror", lambda error: tab.errors.append(str(error)))
    tab.set_content("<!doctype html><html lang=en><title>t</title><body>")
    yield tab
    assert not tab.errors
    context.close()


def open_in(page, explorer):
    state = {name: getattr(explorer, name) for name in ("kind", "spec", "selection", "cursor")}
    data = base64.b64encode(explorer.data).decode()
    page.evaluate(MODEL, [explorer._esm, explorer._css, json.loads(json.dumps(state)), data])
    page.wait_for_selector(".rnn-explorer-view svg")


def calculator():
    x = np.geomspace(0.1, 10, 7)
    return explorers.curves(
        lambda n, law: {
            "a": x * n * (2 if law == "cube" else 1),
            "gap": np.where(x > 1, np.nan, x),
            "steps": np.round(1e3 * n * x),
            "floor": 3.0,
            "tiny": 1e-7 * n / x,
        },
        [Control("n", [1, 2, 5], label="n"), Control("law", ["cube", "sphere"], label="law")],
        x=x,
        series=[
            "a",
            Series("gap", style="points"),
            Series("floor", style="bound"),
            Series("steps", plot=False, format="d"),
            Series("tiny", plot=False, format=".2e"),
        ],
        title="Calculator",
        alt="Lines.",
        x_label="σ",
        y_label="θ",
        x_scale="log",
        y_scale="log",
        cursor="σ",
        cursor_at=1.0,
        message=lambda n, law: "vacuous" if n == 5 else "",
    )


def readouts(page):
    return page.eval_on_selector_all(
        ".rnn-values > div", "all => all.map(e => [e.children[0].textContent, e.children[1].textContent])"
    )


def test_readouts_follow_the_controls_and_the_cursor(page):
    open_in(page, calculator())
    assert dict(readouts(page)) == {"a": "2", "gap": "1", "floor": "3", "steps": "1,000", "tiny": "1 × 10⁻⁷"}
    slider, menu, cursor = (
        page.get_by_label("n", exact=True),
        page.get_by_label("law", exact=True),
        page.get_by_label("σ", exact=True),
    )
    slider.focus()
    page.keyboard.press("ArrowRight")
    menu.select_option(label="sphere")
    cursor.focus()
    page.keyboard.press("End")
    assert dict(readouts(page)) == {
        "a": "20",
        "gap": "not defined",
        "floor": "3",
        "steps": "20,000",
        "tiny": "2 × 10⁻⁸",
    }
    assert page.evaluate("[model.get('selection'), model.get('cursor'), saved]") == [[1, 1], 6, 3]
    assert slider.get_attribute("aria-valuetext") == "2" and cursor.get_attribute("aria-valuetext") == "10"
    assert "law: sphere" in page.locator(".rnn-plot svg").get_attribute("aria-label")
    assert page.locator(".rnn-message").text_content() == ""
    page.evaluate("model.set('selection', [2, 0])")  # from Python
    assert slider.input_value() == "2" and page.locator(".rnn-message").text_content() == "vacuous"


def test_the_pointer_moves_the_cursor(page):
    open_in(page, calculator())
    box = page.locator(".rnn-plot svg").bounding_box()
    page.mouse.click(box["x"] + box["width"] - 16, box["y"] + box["height"] / 2)
    assert page.evaluate("model.get('cursor')") == 6


def test_gaps_lone_points_and_bounds_are_drawn(page):
    x = np.arange(1.0, 8.0)
    explorer = explorers.curves(
        lambda a: {"y": np.array([1, 2, np.nan, 4, np.nan, -6, 7.0]) * a, "b": 3.0, "lo": x, "hi": x + 1},
        {"a": [1, 2]},
        x=x,
        series=[Series("y", band=("lo", "hi")), Series("b", style="bound")],
        title="T",
        alt="A.",
        x_label="x",
        y_label="y",
    )
    open_in(page, explorer)
    line = page.locator(f'path[stroke="{figures.PALETTE[0]}"]').get_attribute("d")
    assert line.count("M") == 3 and line.count("h.01") == 1
    assert page.locator('path[stroke="currentColor"]').get_attribute("stroke-dasharray") == "8 4"
    assert page.locator(f'path[fill="{figures.PALETTE[0]}"]').count() == 1
    assert page.locator(".rnn-legend li").all_text_contents() == ["y", "b"]
    assert "NaN" not in page.locator(".rnn-explorer-view").inner_html()


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize(
    "low, high",
    [(1e-9, 1e-7), (1.0, 1.0), (0.002, 900.0), (1e5, 4e8), (3.0, 3.001), (2.0, 7.0), (1e6, 1e6 + 4), (1e-12, 1e12)],
)
def test_ticks_are_few_distinct_and_inside(page, scale, low, high):
    explorer = explorers.curves(
        lambda a: {"y": np.array([low, high])},
        {"a": [1]},
        x=[1.0, 2.0],
        series=["y"],
        title="T",
        alt="A.",
        x_label="x",
        y_label="y",
        y_scale=scale,
    )
    open_in(page, explorer)
    texts = page.eval_on_selector_all(
        '.rnn-plot text[text-anchor="end"]', "all => all.map(e => e.textContent).filter(Boolean)"
    )
    assert 2 <= len(texts) <= 11 and len(set(texts)) == len(texts)
    svg = page.locator(".rnn-plot svg").bounding_box()
    for text in page.locator(".rnn-plot text").all():
        box = text.bounding_box()
        if box and box["width"]:
            assert box["x"] >= svg["x"] - 1 and box["x"] + box["width"] <= svg["x"] + svg["width"] + 1


def test_frames_change_and_the_page_does_not_overflow(page):
    def draw(power, side):
        fig, ax = figures.subplots()
        ax.plot([0, 1], [0, power] if side == "left" else [power, 0])
        return fig

    open_in(page, explorers.frames(draw, {"power": [1, 2], "side": ["left", "right"]}, title="T", alt="A."))
    open_in(page, explorers.frames(draw, {"power": [1, 2], "side": ["left", "right"]}, title="Again", alt="A."))
    views = page.locator(".rnn-explorer-view")
    before = [views.nth(i).inner_html() for i in range(2)]
    page.get_by_label("side", exact=True).nth(0).select_option(label="right")
    assert views.nth(0).inner_html() != before[0] and views.nth(1).inner_html() == before[1]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    ids = page.eval_on_selector_all(".rnn-explorer :is(input, select, p)[id]", "all => all.map(e => e.id)")
    assert len(ids) == len(set(ids)) == 6


def test_nothing_listens_after_it_is_closed(page):
    open_in(page, calculator())
    before = page.locator(".rnn-explorer-view").inner_html()
    page.evaluate("close_explorer(); model.set('cursor', 0)")
    assert page.locator(".rnn-explorer-view").inner_html() == before


def test_the_front_end_stays_small():
    assert Path(explorers.__file__).with_name("front.js").stat().st_size < 24_000
