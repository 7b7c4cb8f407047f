"""Best bounds so far and their trace."""

import numpy as np
import pytest

from robustnn_core.convex.bracket import Bracket


def test_only_what_is_better_is_kept():
    found = Bracket(2.0, "zero", None)
    for upper, lower in ((1.5, 0.2), (1.7, 0.1), (1.2, 0.9)):
        found.offer(upper, upper)
        found.bound(lower, lower)
        found.record()
    assert (found.upper, found.point, found.lower, found.dual) == (1.2, 1.2, 0.9, 0.9)
    trace = found.trace(10.0)
    np.testing.assert_allclose(trace.objective, [15.0, 15.0, 12.0])
    np.testing.assert_allclose(trace.lower_bound, [2.0, 2.0, 9.0])
    assert (np.diff(trace.seconds) >= 0.0).all()


def test_a_constant_belongs_to_both_sides():
    found = Bracket(1.0, None, None, rest=3.0)
    found.bound(0.5, None)
    assert found.record() == 0.125
    assert found.trace().objective[0] == 4.0 and found.trace().lower_bound[0] == 3.5


def test_an_inverted_bracket_is_refused():
    found = Bracket(1.0, None, None)
    found.bound(1.1, None)
    with pytest.raises(RuntimeError, match="inverted"):
        found.record()
