import numpy as np
import pytest

from robustnn_core.convex import _moves
from tests.convex.draws import draw


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_no_move_changes_a_form_by_more_than_the_steepest(norm):
    rng = np.random.default_rng(0)
    q, e = rng.standard_normal((30, 4)), np.array([0.5, 0.2, 1.0, 0.0])
    q[0] = 0.0
    steep, reach = _moves.steepest(q, e, norm), _moves.length(q, e, norm)
    np.testing.assert_allclose((q * steep).sum(axis=1), -reach, atol=1e-14)
    moves = rng.standard_normal((500, 4))
    moves = e * moves / np.linalg.norm(moves, ord=np.inf if norm == "linf" else 2, axis=1)[:, None]
    assert (np.abs(moves @ q.T).max(axis=0) <= reach + 1e-14).all()


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_descent_stays_inside_and_never_rises(norm):
    net, X, sides = draw(0, 4, 8, 50)
    e = np.full(4, 0.3)
    start = _moves.steepest(X, e, norm)
    reached, moves = _moves.descended(net, X, sides, e, norm, start)
    np.testing.assert_array_equal(reached, sides * net.predict(X + moves))
    assert (np.linalg.norm(moves / e, ord=np.inf if norm == "linf" else 2, axis=1) <= 1 + 1e-12).all()
    given = np.minimum(sides * net.predict(X), sides * net.predict(X + start))
    assert (reached <= given + 1e-15).all() and (reached < given - 1e-3).any()
