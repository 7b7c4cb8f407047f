"""The small Sphinx extension of the book, piece by piece; the built pages are checked in tests/site."""

import asyncio
import random
import sys
from pathlib import Path

import jupytext
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import lab  # noqa: E402
from bookext import built, cards, code, formulas, pages, selftest  # noqa: E402


@pytest.mark.parametrize(
    "source, shown",
    [
        ("x = 1\nglue('x', x)\nprint(x)", "x = 1\nprint(x)"),
        ("from myst_nb import glue\nimport numpy", "import numpy"),
        ("for k, v in a.items():\n    glue(k, v)\nb = 1", "b = 1"),
        ("glue(\n    'long',\n    1,\n)", ""),
        ("def f():\n    glue('x', 1)", "def f():\n    glue('x', 1)"),  # not plumbing of the cell itself
        ("%time glue('x', 1)", "%time glue('x', 1)"),
        ("y = glue", "y = glue"),
    ],
)
def test_glue_is_left_out_of_what_is_shown(source, shown):
    assert code.without_glue(source) == shown


@pytest.mark.parametrize(
    "text, parts", [("2.4e-07", ("2.4", "-", "7")), ("1e+10", ("1", "+", "10")), ("-3.5e-12", ("-3.5", "-", "12"))]
)
def test_floats_are_recognised(text, parts):
    assert code.FLOAT.fullmatch(text).groups() == parts


@pytest.mark.parametrize("text", ["0x1e5", "a1e5", "1e5f", "e-07", "1.2.3e4x"])
def test_what_is_no_float_is_not(text):
    assert not code.FLOAT.fullmatch(text)


def test_a_single_tag_becomes_a_number_beside_the_formula():
    assert formulas.without_tag(r"a = b , \tag{K1}") == ("a = b , ", "K1")
    two = r"a \tag{1} \\ b \tag{2}"
    assert formulas.without_tag(two) == (two, None)


@pytest.fixture(scope="module")
def drawing(tmp_path_factory):
    made = formulas.Formulas({"R": r"\mathbb{R}"}, store=tmp_path_factory.mktemp("formulas") / "store.json")
    yield made
    made.close()


def test_formula_is_drawn_with_the_macros_and_for_screen_readers(drawing):
    text = drawing.html(r"x \in \R")
    assert text.count("<use ") == 3
    assert "<math>" in text
    assert "tabindex" not in text
    assert drawing.glyphs_of(text).count("<path ") == 3
    assert all(f'id="{name}"' in drawing.glyphs_of(text) for name in formulas.GLYPH.findall(text))


def test_formula_that_is_wrong_is_named(drawing):
    with pytest.raises(formulas.BadFormula, match="nosuch"):
        drawing.html(r"\nosuch{x}")
    assert drawing.html("y")  # and Node goes on


def test_what_was_drawn_is_kept_until_the_macros_change(drawing, monkeypatch):
    before = drawing.html(r"\R^2")
    drawing.close()
    monkeypatch.setattr(formulas.Formulas, "_draw", lambda *_: pytest.fail("drawn again"))
    assert formulas.Formulas({"R": r"\mathbb{R}"}, store=drawing._store).html(r"\R^2") == before
    monkeypatch.setattr(formulas.Formulas, "_draw", lambda *_: ["new", "new"])
    assert "new" in formulas.Formulas({"R": "Q"}, store=drawing._store).html(r"\R^2")


def test_a_comma_goes_into_the_box_of_its_formula():
    text = pages.AFTER.sub(
        r"</mjx-container>\1</span>", '<span class="math"><mjx-container></mjx-container></span>), so'
    )
    assert text == '<span class="math"><mjx-container></mjx-container>),</span> so'


PAGE = """<article class="bd-article"><section id="top"><h1>12. Title</h1>
<div class="proof theorem admonition" id="thm-a"><p class="admonition-title"><span class="caption-number">Theorem 12.1</span> (First)</p>
<section class="theorem-content"><p>See <a class="reference internal" href="other.html#thm-b">it</a>.</p></section></div>
<div class="proof admonition"><p>By <a class="reference internal" href="#thm-c">C</a>.</p></div>
<div class="proof lemma admonition" id="thm-c"><p class="admonition-title"><span class="caption-number">Lemma 12.2</span></p><div>deep</div></div>
</section></article>"""


def test_pages_are_read_as_statements_that_use_each_other():
    page = built.Page("chapters/x/one", PAGE)
    other = built.Page("chapters/x/other", PAGE.replace("thm-a", "thm-b"))
    first = next(e for e in page.entries if e.anchor == "thm-a")
    assert (first.kind, first.number, first.title) == ("statement", "Theorem 12.1", "First")
    _, used = cards.graph([page, other])
    assert [e.anchor for e in used["chapters/x/one", "thm-c"]] == ["thm-a"]  # the proof's use is its statement's
    assert first in used["chapters/x/other", "thm-b"]
    assert built.element(PAGE, "thm-c").endswith("<div>deep</div></div>")


def test_right_answers_stand_in_all_places():
    """No position has more than 40 % of the right answers, whatever the pages are called."""
    for name in ("chapters/breakdown/summary", "chapters/convex/summary"):
        rng, counts = random.Random(name), {}
        for place in selftest.places(9, 3, rng):
            counts[place] = counts.get(place, 0) + 1
        assert max(counts.values()) <= 3


def test_lab_adds_the_macros_and_saves_without_them(tmp_path):
    text = (ROOT / "chapters" / "neurotron" / "2-theorem.md").read_text()
    (tmp_path / "page.md").write_text(text)
    manager = lab.BookContentsManager(root_dir=str(tmp_path))

    async def there_and_back():
        model = await manager.get("page.md", type="notebook", content=True)
        first = model["content"].cells[0].source
        await manager.save({"type": "notebook", "format": "json", "content": model["content"]}, "page.md")
        return first

    assert r"\R: \mathbb{R}" in asyncio.run(there_and_back())
    again, before = (jupytext.reads(t, fmt="md:myst") for t in ((tmp_path / "page.md").read_text(), text))
    assert [(c.cell_type, c.source) for c in again.cells] == [(c.cell_type, c.source) for c in before.cells]
