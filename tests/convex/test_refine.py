"""Refinement: better patterns, and the global optimum certified."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from robustnn_core import ConvergenceWarning, convex
from robustnn_core.convex import losses, training
from tests.convex import reference_patterns as reference


def problem(n, d, loss, seed):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    return X, y if loss == "squared" else np.where(y < 0, -1.0, 1.0)


def own_loss(f, X, y):
    return f.loss.value(f.net.predict(X), y) + f.beta * np.linalg.norm(f.net.weights, axis=1).sum()


@pytest.mark.parametrize("loss", losses.NAMES)
def test_refined_to_the_optimum_of_all_patterns(loss):
    X, y = problem(12, 3, loss, seed=0)
    beta = 0.1 if loss == "squared" else 0.01
    first = convex.fit(X, y, convex.sample_patterns(X, 3, seed=0), beta=beta, loss=loss)
    best = convex.refine(X, y, first, seed=0)
    exact = convex.fit(X, y, convex.enumerate_patterns(X), beta=beta, loss=loss, gap=1e-6)
    assert best.globally_optimal and best.stopped == "certified"
    assert best.objective <= first.objective
    assert best.nonconvex_lower_bound <= exact.objective and exact.lower_bound <= best.objective
    assert best.objective - exact.objective <= 1e-4 * abs(exact.objective)
    assert own_loss(best, X, y) <= best.objective * (1 + 1e-12)


@pytest.mark.parametrize("loss", losses.NAMES)
def test_many_cells(loss):
    X, y = problem(60, 8, loss, seed=1)
    beta = 0.5 if loss == "squared" else 0.005
    first = convex.fit(X, y, convex.sample_patterns(X, 15, seed=0), beta=beta, loss=loss)
    with pytest.warns(ConvergenceWarning, match="rounds ran out"):
        best = convex.refine(X, y, first, seed=0, max_iter=2, steps=300)
    adam = convex.train_gradient(X, y, width=50, beta=beta, loss=loss, seed=0)
    assert best.objective < first.objective and best.objective < adam.objective
    assert not best.converged and best.gap <= 1e-4 and best.lower_bound <= best.objective
    assert best.nonconvex_lower_bound == -np.inf and not best.globally_optimal
    assert own_loss(best, X, y) <= best.objective * (1 + 1e-12)
    E = 2.0 * best.patterns.active - 1.0
    assert (E * (X @ best.v)).min() >= 0 and (E * (X @ best.w)).min() >= 0
    assert (np.diff(best.trace.seconds) >= 0).all() and best.trace.objective[0] == first.objective
    # the reported price is that of the returned dual; random units are not dearer
    assert best.price == pytest.approx(convex.price(X, best.dual, beta, seed=5, starts=4000).value, rel=0.05)
    assert reference.price_by_sampling(X, best.dual, 2000, np.random.default_rng(0)) <= best.price * (1 + 1e-9)


def test_columns_alone_lower_it_too():
    X, y = problem(60, 8, "squared", seed=1)
    first = convex.fit(X, y, convex.sample_patterns(X, 15, seed=0), beta=0.5)
    with pytest.warns(ConvergenceWarning, match="rounds ran out"):
        best = convex.refine(X, y, first, seed=0, max_iter=3, descents=0)
    assert best.objective < 0.9 * first.objective and best.stopped == "rounds ran out"


def test_a_broken_dual_is_never_priced():
    X, y = problem(60, 8, "squared", seed=1)
    first = convex.fit(X, y, convex.sample_patterns(X, 15, seed=0), beta=0.5)

    def broken(*args, **options):
        return training.solve(*args, **{**options, "max_iter": 1})

    with pytest.warns(ConvergenceWarning, match="a solve broke off"):
        best = convex.refine(X, y, first, seed=0, max_iter=3, fit_function=broken)
    assert best.stopped.startswith("a solve broke off")
    assert best.objective == first.objective and best.rounds == 1
    start = training.solve(X, y, first.patterns, beta=0.5, max_iter=1)
    assert start.gap > 0.1
    with pytest.warns(ConvergenceWarning, match="a solve broke off"):
        assert convex.refine(X, y, start, seed=0, max_iter=1, fit_function=broken).stopped.startswith(
            "a solve broke off"
        )
    with pytest.warns(ConvergenceWarning, match="rounds ran out"):
        assert convex.refine(X, y, start, seed=0, max_iter=1).objective < first.objective  # solved again, then refined


def test_gates_beside_a_hyperplane():
    """The units of a trained net nearly tie points; fit centres such gates and does not break off."""
    X, y = problem(100, 10, "squared", seed=1)
    net = convex.train_gradient(X, y, width=40, beta=0.5, loss="squared", seed=0).net
    gates = net.weights[np.linalg.norm(net.weights, axis=1) > 1e-3].T
    active = X @ gates >= 0
    keep = np.unique(active, axis=1, return_index=True)[1]
    keep = keep[active[:, keep].any(axis=0)]
    f = convex.fit(X, y, convex.Patterns(active[:, keep], gates[:, keep]), beta=0.5)
    value = losses.get("squared").value(net.predict(X), y) + 0.5 * np.linalg.norm(net.weights, axis=1).sum()
    assert f.converged and f.objective <= value * (1 + 1e-4)


def test_time_runs_out():
    X, y = problem(60, 8, "squared", seed=1)
    first = convex.fit(X, y, convex.sample_patterns(X, 15, seed=0), beta=0.5)
    with pytest.warns(ConvergenceWarning, match="time ran out"):
        assert convex.refine(X, y, first, seed=0, max_seconds=1e-9).stopped == "time ran out"


def test_scale_does_not_matter():
    X, y = problem(60, 8, "squared", seed=2)
    first = convex.fit(X, y, convex.sample_patterns(X, 15, seed=0), beta=0.5)
    with pytest.warns(ConvergenceWarning, match="rounds ran out"):
        one = convex.refine(X, y, first, seed=0, max_iter=1)
    first = convex.fit(X, 1e3 * y, convex.sample_patterns(X, 15, seed=0), beta=0.5e3)
    with pytest.warns(ConvergenceWarning, match="rounds ran out"):
        other = convex.refine(X, 1e3 * y, first, seed=0, max_iter=1)
    assert other.objective == pytest.approx(1e6 * one.objective, rel=0.02)


@pytest.mark.parametrize("shape", [(12, 3), (40, 6)])
def test_same_seed_same_bits_whatever_the_threads(shape):
    X, y = problem(*shape, "squared", seed=3)
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            first = convex.fit(X, y, convex.sample_patterns(X, 10, seed=0), beta=0.2)
            with pytest.warns(ConvergenceWarning, match="rounds ran out"):
                found.append(convex.refine(X, y, first, seed=7, max_iter=2, steps=200))
    assert (found[0].net.weights == found[1].net.weights).all()
    assert found[0].price == found[1].price and found[0].objective == found[1].objective


def test_zero_is_the_optimum():
    X, y = problem(10, 3, "squared", seed=4)
    first = convex.fit(X, y, convex.sample_patterns(X, 3, seed=0), beta=1e3)
    best = convex.refine(X, y, first, seed=0)
    assert best.globally_optimal and best.blocks == 0


def test_bad_input():
    X, y = problem(8, 2, "squared", seed=0)
    f = convex.fit(X, y, convex.enumerate_patterns(X), beta=0.1)
    with pytest.raises(ValueError, match="must be a Fit"):
        convex.refine(X, y, None, seed=0)
    with pytest.raises(ValueError, match="patterns are for"):
        convex.refine(X[:5], y[:5], f, seed=0)
    for name, value in (
        ("max_iter", 0),
        ("gap", 0.0),
        ("steps", 0),
        ("descents", -1),
        ("max_seconds", -1.0),
        ("columns", 0),
    ):
        with pytest.raises(ValueError, match=name):
            convex.refine(X, y, f, seed=0, **{name: value})
