import numpy as np
import pytest

from robustnn_core import breakdown, streams
from robustnn_core.breakdown import _starts, adversaries
from tests.breakdown import reference
from tests.breakdown.made import problem


def test_random_starts_have_the_size_of_the_labels():
    X, y, _, _ = problem(0, 2000, 4, [1, -1])
    U = _starts.random(X, 100.0 * y, np.array([1.0, -1.0]), 50, streams.generator(0))
    assert U.shape == (50, 2, 4)
    sizes = np.array([np.median(np.abs(np.maximum(X @ u.T, 0.0) @ [1.0, -1.0])) for u in U])
    assert 20.0 < np.median(sizes) < 500.0


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_one_unit_is_found_by_its_slices(scale):
    X, y, net, _ = problem(1, 400, 5, [1], 0.2, adversaries.ActiveHalf(scale))
    found = _starts.elemental(X, y, net.signs, 300, 3, streams.generator(0))
    assert found.shape == (3, 1, 5)
    assert np.abs(found - net.weights).max(axis=(1, 2)).min() < 1e-9


def test_two_units_are_put_together_from_pieces():
    X, y, net, _ = problem(11, 500, 5, [1, -1], 0.15, adversaries.GrossOutliers())
    found = _starts.elemental(X, y, net.signs, 375, 4, streams.generator(0))
    assert found.shape[1:] == (2, 5) and np.abs(found[0] - net.weights).max() < 1e-9


def test_nothing_is_found_where_there_is_nothing():
    X = streams.generator(0).standard_normal((30, 2))
    assert _starts.elemental(X, np.zeros(30), np.array([1.0, -1.0]), 25, 4, streams.generator(0)).shape == (0, 2, 2)
    assert _starts.elemental(X, -np.ones(30), np.array([1.0]), 25, 4, streams.generator(0)).shape == (0, 1, 2)


def test_an_exact_fit_of_an_impostor_is_not_safe():
    """At 30 degrees the merge adversary may own a twelfth of the labels; its net fits all but as many points."""
    X, net = breakdown.NetProblem(600, 4, (1, 1), angle=30.0).draw(0)
    merge = adversaries.Merge()
    y, touched = breakdown.corrupt(X, net.predict(X), fraction=0.07, adversary=merge, seed=0, model=net)
    assert _starts.safe(X, y, net.signs, net.weights, 450)
    other = merge.impostor(net).weights
    assert reference.trimmed_loss(other, net.signs, X, y, 450) < 1e-20
    assert not _starts.safe(X, y, net.signs, other, 450)
