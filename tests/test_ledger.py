import math
from html.parser import HTMLParser

import numpy as np
import pytest

from robustnn_core.ledger import Ledger


def test_tolerance_is_relative_to_the_larger_side_or_one():
    assert Ledger("t").leq("a", "x", 1e6 + 5e-4, 1e6).rows[0].holds
    assert not Ledger("t").leq("a", "x", 1e6 + 5e-3, 1e6).rows[0].holds
    assert Ledger("t").eq("a", "x", 1e-12, 3e-12).rows[0].holds
    assert not Ledger("t").eq("a", "x", 1e-12, 3e-12, scale=1e-12).rows[0].holds


def test_strict_needs_a_gap():
    ledger = Ledger("t").lt("a", "x", 1.0, 1.0).lt("b", "x", 1.0, np.nextafter(1.0, 2)).lt("c", "x", 1.0, 1.1, tol=0.5)
    assert [row.holds for row in ledger.rows] == [False, True, False]


def test_the_worst_entry_is_reported():
    lhs, rhs = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[2.0, 2.5], [3.1, 9.0]])
    row = Ledger("t").leq("a", "x", lhs, rhs).rows[0]
    assert (row.lhs, row.rhs, row.count, row.holds) == (3.0, 3.1, 4, True)
    assert row.slack == pytest.approx(0.1)
    row = Ledger("t").leq("a", "x", [5.0, 1e9 + 1e-3], [5.0 - 1e-3, 1e9]).rows[0]
    assert (row.lhs, row.holds) == (5.0, False)
    assert Ledger("t").eq("a", "x", [1.0, 2.0, 3.0], 2.0, tol=0.1).rows[0].count == 3


def test_the_worst_entry_against_zero_is_the_worst():
    assert Ledger("t").leq("a", "x", [2.0, 1000.0, 3.0], 0.0).rows[0].lhs == 1000.0
    assert Ledger("t").leq("a", "x", [-1000.0, -2.0, -3.0], 0.0).rows[0].lhs == -2.0
    assert Ledger("t").eq("a", "x", [2.0, -1000.0, 3.0], 0.0).rows[0].lhs == -1000.0


def test_a_row_by_construction_is_shown_and_not_counted():
    ledger = Ledger("t").eq("a", "x", 1.0, 1.0, by_construction=True)
    with pytest.raises(AssertionError, match="nothing was checked"):
        ledger.assert_holds()
    ledger.leq("b", "y", 1.0, 2.0).assert_holds()
    assert "all 1 steps hold" in repr(ledger) and "a: 1 = 1 by construction" in repr(ledger)
    assert all("by construction" in text for text in ledger._repr_mimebundle_().values())
    with pytest.raises(AssertionError, match="1 of 2 steps"):
        Ledger("t").eq("a", "x", 1.0, 2.0, by_construction=True).leq("b", "y", 1.0, 2.0).assert_holds()


@pytest.mark.parametrize("relation", ["leq", "lt", "eq"])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_never_holds(relation, bad):
    for lhs, rhs in ((bad, 1.0), (1.0, bad), (bad, bad), (np.array([1.0, bad]), np.array([1.0, bad]))):
        ledger = getattr(Ledger("t"), relation)("a", "x", lhs, rhs)
        with pytest.raises(AssertionError, match="a: "):
            ledger.assert_holds()
        assert "fails" in ledger._repr_mimebundle_()["text/html"]


def test_assert_holds_names_the_failing_rows():
    ledger = Ledger("Lemma 1").leq("(1)", "a", 1, 2).leq("(2)", "b", 2.5, 2).eq("(3)", "c", 1, 4)
    with pytest.raises(AssertionError) as caught:
        ledger.assert_holds()
    text = str(caught.value)
    assert "Lemma 1: 2 of 3" in text and "(2): 2.5" in text and "(3): 1" in text and "(1)" not in text
    assert Ledger("t").leq("(1)", "a", 1, 2).assert_holds().rows[0].holds


def test_an_empty_ledger_proves_nothing():
    with pytest.raises(AssertionError, match="empty"):
        Ledger("t").assert_holds()


def test_rows_are_frozen():
    with pytest.raises(AttributeError):
        Ledger("t").leq("a", "x", 1, 2).rows[0].holds = False


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: Ledger(" "), "title"),
        (lambda: Ledger("t").leq("a", "x", [1, 2], [1, 2, 3]), "shape"),
        (lambda: Ledger("t").leq("a", "x", [], []), "empty"),
        (lambda: Ledger("t").leq("a", "x", 1j, 1), "dtype"),
        (lambda: Ledger("t").leq("a", "x", 1, 1, tol=-1), "tol"),
        (lambda: Ledger("t").leq("a", "x", 1, 1, scale=0), "scale"),
        (lambda: Ledger("t").leq("", "x", 1, 1), "label"),
        (lambda: Ledger("t").leq("a", None, 1, 1), "statement"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_renderings():
    bundle = Ledger("A < B").leq("(1)", r"\|a\| < |b|", -1.2345678e-9, 2.0)._repr_mimebundle_()
    page = bundle["text/html"]
    parser = HTMLParser()
    parser.feed(page)
    for part in (
        'class="ledger"',
        "<caption>Proof ledger: A &lt; B: all 1 steps hold",
        '<th scope="col">',
        '<th scope="rowgroup"',
        r'<span class="math notranslate nohighlight">\(\|a\| &lt; |b|\)</span>',
        'class="ledger-scroll" tabindex="0" role="region" aria-label="Proof ledger: A &lt; B"',
        "−1.2346·10<sup>−9</sup>",
        "holds",
    ):
        assert part in page
    table = bundle["text/markdown"]
    assert r"$\Vert a\Vert  < \vert b\vert $" in table
    lines = [line for line in table.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in lines}) == 1
    assert "holds" in bundle["text/plain"]
