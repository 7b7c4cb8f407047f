"""The loop: any model, any certificate, and it says where it stops."""

import numpy as np
import pytest

from robustnn_core.convex import _plain, datasets, interior, losses
from robustnn_core.convex.bracket import Bracket


def started(n=40, d=4, count=6, loss="hinge"):
    X, y, patterns = datasets.problem(n, d, count, loss=loss, seed=3)
    own = losses.get(loss)
    model = _plain.Plain(X, y, patterns.active, np.ascontiguousarray(patterns.gates.T), 0.01, own)
    nothing = np.zeros((2 * count, d))
    return model, Bracket(own.value(np.zeros(n), y), nothing, np.zeros(n))


@pytest.mark.parametrize("loss", losses.NAMES)
def test_every_bracket_is_inside_the_one_before(loss):
    model, bracket = started(loss=loss)
    assert interior.solve(model, bracket, gap=1e-7, max_iter=100) is bracket
    trace = bracket.trace()
    assert bracket.gap <= 1e-7 and 5 < len(trace) <= 60
    assert (np.diff(trace.objective) <= 0.0).all() and (np.diff(trace.lower_bound) >= 0.0).all()


def test_bounds_of_work_are_kept():
    model, bracket = started()
    interior.solve(model, bracket, gap=1e-12, max_iter=3)
    assert len(bracket.rows) == 4 and bracket.gap > 1e-12
    model, bracket = started()
    interior.solve(model, bracket, gap=1e-12, max_iter=100, max_seconds=0.0)
    assert len(bracket.rows) == 1


def test_no_progress_is_a_stall_and_slow_progress_is_not():
    stall = interior._Stall(patience=8)
    assert not any(stall(1.0, 0.8**k) for k in range(20))  # the gap stands, mu falls
    assert [stall(1.0, 0.8**20) for _ in range(9)][-1]
