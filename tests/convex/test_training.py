import warnings

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from threadpoolctl import threadpool_limits

from robustnn_core import ConvergenceWarning, convex
from robustnn_core.convex import _plain, losses, program, training
from tests.convex import reference

BETA = {"squared": 0.5, "hinge": 0.01, "logistic": 0.01}


def own_loss(f, X, y):
    return f.loss.value(f.net.predict(X), y) + f.beta * np.linalg.norm(f.net.weights, axis=1).sum()


def check(f, X, y):
    """Everything a fit promises, whatever its budget."""
    active = f.patterns.active
    E = 2.0 * active - 1.0
    assert f.lower_bound <= f.objective
    assert (E * (X @ f.v)).min() >= 0 and (E * (X @ f.w)).min() >= 0
    value = reference.objective(X, y, f.v, f.w, active, f.beta, f.loss.name)
    assert value * (1 - 1e-12) - 1e-14 <= f.objective <= value * (1 + 1e-9) + 1e-14  # rounded upwards
    assert own_loss(f, X, y) <= f.objective * (1 + 1e-12) + 1e-14
    assert f.loss.dual(f.dual, y) >= f.lower_bound - 1e-12 * (1 + abs(f.lower_bound))
    assert (np.diff(f.trace.objective) <= 0).all() and (np.diff(f.trace.lower_bound) >= 0).all()


@pytest.mark.parametrize("loss", losses.NAMES)
@pytest.mark.parametrize("shape", [(25, 4, 8), (40, 6, 12)])
def test_agrees_with_cvxpy(loss, shape):
    X, y, patterns = reference.problem(*shape, seed=3, loss=loss)
    f = convex.fit(X, y, patterns, beta=BETA[loss], loss=loss, gap=1e-7)
    assert f.converged and f.method == "interior"
    value = reference.by_cvxpy(X, y, patterns.active, BETA[loss], loss)
    assert f.lower_bound - 2e-6 * value <= value <= f.objective + 2e-6 * value
    check(f, X, y)


@pytest.mark.parametrize("loss", losses.NAMES)
def test_admm_brackets_the_same_optimum(loss):
    X, y, patterns = reference.problem(60, 4, 8, seed=5, loss=loss)
    exact = convex.fit(X, y, patterns, beta=BETA[loss], loss=loss, gap=1e-7)
    slow = convex.fit(X, y, patterns, beta=BETA[loss], loss=loss, gap=5e-2, method="admm", max_iter=3000)
    assert slow.converged and slow.method == "admm"
    assert slow.lower_bound <= exact.objective and exact.lower_bound <= slow.objective
    check(slow, X, y)


@pytest.mark.parametrize("loss", losses.NAMES)
def test_many_points_are_solved_in_the_blocks(loss, monkeypatch):
    X, y, patterns = reference.problem(300, 5, 8, seed=5, loss=loss)
    few = _plain.Blocks(X, patterns.active.astype(float))
    assert few.tall
    delta = np.linspace(0.0, 1.0, 300)
    F = np.hstack([patterns.active[:, [i]] * X for i in range(patterns.count)])
    np.testing.assert_allclose(few.normal(delta), F.T @ (delta[:, None] * F), atol=1e-10)
    f = convex.fit(X, y, patterns, beta=BETA[loss], loss=loss, gap=1e-6)
    monkeypatch.setattr(_plain, "PAIRS", 700)  # in slices
    assert np.allclose(_plain.Blocks(X, patterns.active.astype(float)).normal(delta), few.normal(delta))
    monkeypatch.setattr(_plain, "operations", lambda n, d, P, tall: float(tall))
    wide = convex.fit(X, y, patterns, beta=BETA[loss], loss=loss, gap=1e-6)
    assert f.converged and wide.converged
    assert f.lower_bound <= wide.objective and wide.lower_bound <= f.objective
    check(f, X, y)


def test_a_thousand_brackets():
    failed = 0
    for k in range(1000):
        rng = np.random.default_rng(k)
        n, d, loss = int(rng.integers(1, 8)), int(rng.integers(1, 4)), losses.NAMES[k % 3]
        X = rng.standard_normal((n, d))
        if k % 5 == 0:
            X[rng.integers(n)] = 0.0
        y = 10 ** rng.uniform(-3, 3) * rng.standard_normal(n) if loss == "squared" else rng.choice([-1.0, 1.0], n)
        gates = rng.standard_normal((d, 3))
        first = np.unique(X @ gates >= 0, axis=1, return_index=True)[1]
        patterns = convex.Patterns((X @ gates >= 0)[:, first], gates[:, first])
        f = convex.fit(X, y, patterns, beta=10 ** rng.uniform(-4, 1), loss=loss, gap=1e-2)
        check(f, X, y)
        failed += not f.converged
    assert failed == 0


@pytest.mark.parametrize("loss", losses.NAMES)
def test_optimality_conditions(loss):
    X, y, patterns = reference.problem(40, 5, 10, seed=1, loss=loss)
    f = convex.fit(X, y, patterns, beta=BETA[loss], loss=loss, gap=1e-8)
    assert f.converged
    rng = np.random.default_rng(0)
    u = rng.standard_normal((5, 20_000))  # the dual constraint at directions of every cone
    u /= np.linalg.norm(u, axis=0)
    for i in range(patterns.count):
        E = 2.0 * patterns.active[:, i] - 1.0
        inside = u[:, (E[:, None] * (X @ u) >= 0).all(axis=0)]
        blocks = np.c_[inside, f.v[:, [i]], f.w[:, [i]]]
        values = np.abs((f.dual * patterns.active[:, i]) @ X @ blocks)
        assert (values <= f.beta * np.linalg.norm(blocks, axis=0) * (1 + 1e-9)).all()
    prices = np.einsum("k,ki,kj,ji->i", f.dual, patterns.active, X, f.v - f.w)
    norms = np.linalg.norm(f.v, axis=0) + np.linalg.norm(f.w, axis=0)
    assert prices.sum() == pytest.approx(f.beta * norms.sum(), rel=1e-4)


def test_same_bits_on_one_and_two_threads():
    X, y, patterns = reference.problem(60, 6, 12, seed=2)
    fits = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            fits.append(convex.fit(X, y, patterns, beta=0.5))
    assert (fits[0].v == fits[1].v).all() and fits[0].lower_bound == fits[1].lower_bound


def test_the_net_has_no_ghost_units():
    X, y, patterns = reference.problem(60, 6, 12, seed=2)
    f = convex.fit(X, y, patterns, beta=2.0, gap=1e-8)
    assert f.converged and len(f.net.weights) < 2 * patterns.count
    assert len(f.net.weights) == f.blocks
    check(f, X, y)


def test_an_early_stop_says_so():
    X, y, patterns = reference.problem(40, 5, 10, seed=1)
    with pytest.warns(
        ConvergenceWarning, match=r"^convex.fit stopped short: gap .* after 6 brackets, wanted gap = 1e-06"
    ) as caught:
        f = convex.fit(X, y, patterns, beta=0.5, gap=1e-6, max_iter=5)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert not f.converged and f.gap > 1e-6
    check(f, X, y)


def raw_cancer():
    """569 points, columns of size 1e-3 to 1e3 as they are, a bias; 7 sampled patterns."""
    found = load_breast_cancer()
    X = np.c_[found.data, np.ones(len(found.data))]
    return X, np.where(found.target > 0, 1.0, -1.0), convex.sample_patterns(X, 50, seed=0)


@pytest.mark.parametrize(("loss", "beta"), [("squared", 0.1), ("hinge", 1e-3), ("logistic", 1e-3), ("logistic", 1e-5)])
def test_raw_columns_are_no_harder(loss, beta):
    X, y, patterns = raw_cancer()
    f = convex.fit(X, y, patterns, beta=beta, loss=loss, gap=1e-4)
    assert f.converged and len(f.trace) <= 80
    check(f, X, y)
    if loss == "hinge":
        value = reference.by_cvxpy(X, y, patterns.active, beta, loss)
        assert f.lower_bound * (1 - 1e-4) <= value and f.objective <= value * (1 + 1e-4)


@pytest.mark.parametrize("loss", losses.NAMES)
@pytest.mark.parametrize(
    "scales", [(1e3, 1e-3, 1, 10), (1e4, 1, 1, 1), (1, 1, 1, 1e-4), (1e6,) * 4, (1e6, 1e-6, 1, 1e3)]
)
def test_columns_of_any_scale(loss, scales):
    """A net is found, or what is missing is said; the bracket holds either way."""
    X, y, patterns = reference.problem(60, 4, 8, seed=5, loss=loss)
    scaled = convex.Patterns(patterns.active, patterns.gates / np.array(scales)[:, None])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        f = convex.fit(X * scales, y, scaled, beta=BETA[loss], loss=loss)
    check(f, X * scales, y)
    assert f.converged == (not caught)
    assert f.converged or max(scales) > 1e10 * min(scales)  # beyond what a Gram matrix can hold


@pytest.mark.parametrize("loss", losses.NAMES)
def test_constant_and_repeated_columns_are_columns(loss):
    """Two columns of ones used to be refused, as if both were a bias."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((20, 2)), rng.choice([-1.0, 1.0], 20)
    for X in (np.c_[x, np.ones((20, 2))], np.c_[x, np.ones(20), x[:, 0]], np.ones((20, 2))):
        patterns = convex.sample_patterns(X, 10, seed=0)
        f = convex.fit(X, y, patterns, beta=0.02, loss=loss)
        value = reference.by_cvxpy(X, y, patterns.active, 0.02, loss)
        assert f.converged and f.lower_bound <= value * (1 + 1e-5) and value <= f.objective * (1 + 1e-5)
        check(f, X, y)


def test_a_small_penalty_does_not_stall():
    """Columns of size 1: the units of the start were too short for beta, and the gap stayed at 1."""
    X, y, patterns = reference.problem(300, 5, 8, seed=3, loss="hinge")
    f = convex.fit(X, y, patterns, beta=1e-5, loss="hinge", gap=1e-5)
    assert f.converged
    check(f, X, y)


def early(name):
    """Every iterative function of the wing, with a budget that is too small."""
    X, y, patterns = reference.problem(40, 5, 10, seed=1, loss="hinge")
    how = {"beta": 1e-3, "loss": "hinge"}
    line = np.c_[np.linspace(-1.0, 1.0, 12), np.ones(12)]
    if name == "refine":
        return convex.refine(X, y, training.solve(X, y, patterns.take([0]), **how), seed=0, max_iter=1, steps=5)
    return {
        "fit": lambda: convex.fit(X, y, patterns, **how, max_iter=3),
        "fit, admm": lambda: convex.fit(X, y, patterns, **how, method="admm", max_iter=3),
        "fit, seconds": lambda: convex.fit(X, y, patterns, **how, max_seconds=1e-9),
        "fit_sampled": lambda: convex.fit_sampled(
            X, y, patterns.gates, beta=1e-3, loss="logistic", max_iter=1, gap=1e-9
        ),
        "fit_robust": lambda: convex.fit_robust(X, y, patterns, beta=1e-3, radius=1e-3, max_iter=2),
        "fit_robust_linear": lambda: convex.fit_robust_linear(line, y[:12], beta=1e-3, radius=1e-2, bias=1, max_iter=2),
    }[name]()


@pytest.mark.parametrize(
    "name", ["fit", "fit, admm", "fit, seconds", "fit_sampled", "fit_robust", "fit_robust_linear", "refine"]
)
def test_what_stops_short_says_so_once(name):
    with pytest.warns(ConvergenceWarning, match=f"^convex.{name.split(',')[0]} stopped short: .*, wanted ") as caught:
        f = early(name)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert not f.converged and f.lower_bound <= f.objective


def test_a_pattern_that_sees_nothing_is_harmless():
    X = np.array([[-1.0, 1.0], [0.5, 1.0], [1.0, 1.0]])
    patterns = convex.Patterns([[0, 1], [0, 1], [0, 1]], [[0.0, 0.0], [-1.0, 1.0]])
    f = convex.fit(X, [1.0, 2.0, 1.0], patterns, beta=0.1)
    assert f.converged and not f.v[:, 0].any() and not f.w[:, 0].any()
    none = convex.fit(X, [0.0, 0.0, 0.0], patterns, beta=0.1)
    assert none.objective == 0.0 and none.converged and len(none.net.weights) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"beta": 0.0}, "beta = 0.0 must be > 0"),
        ({"loss": "absolute"}, "loss = 'absolute'"),
        ({"loss": "hinge"}, "y contains"),
        ({"y": [1.0, np.nan, 0.0]}, "y contains nan"),
        ({"X": [[1.0], [2.0], [3.0]]}, "patterns are for"),
        ({"patterns": None}, "must be Patterns"),
        ({"gap": -1.0}, "gap = -1.0"),
        ({"method": "simplex"}, "method = 'simplex'"),
        ({"max_iter": 0}, "max_iter = 0"),
        ({"patterns": convex.Patterns([[0], [1], [0]], [[1.0], [0.0]])}, "pattern 0 is not the pattern"),
    ],
)
def test_bad_input(change, message):
    good = {
        "X": [[-1.0, 1.0], [0.0, 1.0], [1.0, 1.0]],
        "y": [1.0, 0.5, -1.0],
        "patterns": convex.Patterns([[1], [0], [0]], [[-1.0], [-0.5]]),
        "beta": 0.1,
    }
    with pytest.raises(ValueError, match=message):
        convex.fit(**(good | change))


def test_an_inverted_bracket_is_no_result():
    assert program.below(0.5, 1.0) == 0.5
    with pytest.raises(RuntimeError, match="^the bracket is inverted"):
        program.below(1.001, 1.0)
