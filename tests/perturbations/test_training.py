"""The dual-coordinate kernel against plain loops over the weights themselves."""

import numba
import numpy as np
import pytest
import threadpoolctl
from hypothesis import given, settings
from hypothesis import strategies as st

from robustnn_core import ConvergenceWarning, blas, streams
from robustnn_core import perturbations as P
from robustnn_core.perturbations import experiments, training
from tests.perturbations import reference

rng = np.random.default_rng(3)
X_SMALL, Y_SMALL = rng.normal(size=(5, 7)), np.array([1.0, -1.0, -1.0, 1.0, 1.0])


def started(seed, width, d, scale):
    return scale / np.sqrt(d) * streams.generator(seed).standard_normal((width, d))


@pytest.mark.parametrize("loss", ["exponential", "logistic"])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 10.0])
def test_flow_against_loops(loss, scale):
    run = P.train_flow(
        X_SMALL, Y_SMALL, leak=0.3, width=4, steps=30, seed=5, loss=loss, start_scale=scale, increment=0.4
    )
    W, totals, path, losses = reference.train(started(5, 4, 7, scale), X_SMALL, Y_SMALL, 0.3, 30, loss, increment=0.4)
    np.testing.assert_allclose(run.net.weights, W, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(run.margins, path[-1], rtol=1e-9)
    np.testing.assert_allclose(run.trace.smallest, np.min(path, axis=1), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(run.trace.largest, np.max(path, axis=1), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(run.trace.log_loss, np.log(losses), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("loss", ["exponential", "logistic"])
def test_descent_against_loops(loss):
    run = P.train_descent(X_SMALL, Y_SMALL, leak=0.3, width=4, steps=40, rate=0.3, seed=5, loss=loss, start_scale=0.5)
    W, _, path, losses = reference.train(started(5, 4, 7, 0.5), X_SMALL, Y_SMALL, 0.3, 40, loss, rate=0.3)
    np.testing.assert_allclose(run.net.weights, W, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(run.margins, path[-1], rtol=1e-9)
    np.testing.assert_allclose(run.trace.log_loss, np.log(losses), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("loss", ["exponential", "logistic"])
def test_steps_against_autograd(loss):
    """Two steps of the flow and two of descent, from gradients that PyTorch takes of the loss itself."""
    torch = pytest.importorskip("torch")
    X, y, head = torch.tensor(X_SMALL), torch.tensor(Y_SMALL), torch.tensor([0.5, 0.5, -0.5, -0.5], dtype=torch.float64)

    def margins(W):
        return y * (torch.nn.functional.leaky_relu(X @ W.T, 0.3) @ head)

    def gradient(W):
        W = W.clone().requires_grad_()
        (
            torch.exp(-margins(W)) if loss == "exponential" else torch.nn.functional.softplus(-margins(W))
        ).mean().backward()
        return W.grad

    W = torch.tensor(started(5, 4, 7, 2.0))
    # steps in which the fastest margin grows by .4 to first order
    growth = torch.autograd.functional.jvp(margins, W, -gradient(W))[1].max()
    flow = P.train_flow(X_SMALL, Y_SMALL, leak=0.3, width=4, steps=2, seed=5, loss=loss, start_scale=2.0, increment=0.4)
    V = W - 0.4 / growth * gradient(W)
    growth = torch.autograd.functional.jvp(margins, V, -gradient(V))[1].max()
    np.testing.assert_allclose(flow.net.weights, (V - 0.4 / growth * gradient(V)).numpy(), rtol=1e-11, atol=1e-13)
    descent = P.train_descent(
        X_SMALL, Y_SMALL, leak=0.3, width=4, steps=2, rate=0.3, seed=5, loss=loss, start_scale=2.0
    )
    V = W - 0.3 * gradient(W)
    np.testing.assert_allclose(descent.net.weights, (V - 0.3 * gradient(V)).numpy(), rtol=1e-11, atol=1e-13)


def test_the_logistic_loss_far_out():
    """Margins beyond 30 and beyond 700: the loss is followed in logarithms and never underflows."""
    run = P.train_flow(X_SMALL, Y_SMALL, leak=0.3, width=4, steps=5000, seed=5, loss="logistic")
    assert run.margins.min() > 1000
    assert np.isfinite(run.trace.log_loss).all() and (np.diff(run.trace.log_loss) < 0)[5:].all()
    assert run.trace.log_loss[-1] == pytest.approx(
        np.log(np.mean(np.exp(-(run.margins - run.margins.min())))) - run.margins.min()
    )


def test_three_ways_to_the_multipliers():
    X, y = experiments.uniform(30, 3000, seed=1)
    exact = P.kkt_multipliers(X, y, 0.5)
    for loss in ("exponential", "logistic"):
        run = P.train_flow(X, y, leak=0.5, steps=400, seed=0, loss=loss)
        np.testing.assert_allclose(run.multipliers, exact, rtol=1e-9)
        fitted, residual = P.least_squares_multipliers(run)
        np.testing.assert_allclose(fitted, exact, rtol=0.02)  # margins differ by constants: O(1/margin)
        assert residual <= run.residual * (1 + 1e-9) < 0.01
        assert run.separated and run.settled and run.pattern == 1.0
    assert run.trace.patterns[-1] == 2 and len(run.trace) == run.steps + 1


def test_a_point_that_is_no_support_vector_has_multiplier_zero():
    run = P.train_flow([[1.0, 0.0], [5.0, 0.1]], [1, 1], leak=0.5, steps=400, seed=0)
    assert run.separated and run.multipliers[1] < 1e-12 < run.multipliers[0]
    assert run.margins[1] > 4 * run.margins[0] and run.residual < 0.01


def test_the_residual_is_what_it_says():
    X, y = experiments.uniform(10, 50, seed=2)
    run = P.train_flow(X, y, leak=0.4, width=6, steps=60, seed=3, start_scale=0.3)
    W, scale = run.net.weights, run.margins.min()
    slopes = np.where(W @ X.T >= 0, 1.0, 0.4)
    target = run.net.head[:, None] * ((run.multipliers * y * slopes) @ X)
    assert run.residual == pytest.approx(np.linalg.norm(W / scale - target) / np.linalg.norm(W / scale), rel=1e-7)


def test_the_cost_does_not_depend_on_the_dimension():
    """The kernel sees N and m only: the same Gram matrix gives the same run in any dimension."""
    X = np.hstack([X_SMALL, np.zeros((5, 500))])
    one = P.train_flow(X_SMALL, Y_SMALL, leak=0.3, steps=50, seed=0, start_scale=0.0)
    two = P.train_flow(X, Y_SMALL, leak=0.3, steps=50, seed=0, start_scale=0.0)
    np.testing.assert_allclose(one.margins, two.margins, rtol=1e-12)


def test_same_bits_on_one_and_two_threads():
    X, y = experiments.uniform(65, 300, seed=1)
    results = []
    for threads in (1, 2):
        with threadpoolctl.threadpool_limits(threads):
            numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
            results.append(experiments.learn(X, y, leak=0.5, eps=1.0, base="noise", n=90, steps=60, seed=4))
    numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    for run in ("first_run", "second_run"):
        a, b = (getattr(r, run) for r in results)
        assert np.array_equal(a.margins, b.margins) and np.array_equal(a.net.weights, b.net.weights)
        assert np.array_equal(a.multipliers, b.multipliers) and a.residual == b.residual
    assert results[0].second == results[1].second


def test_blas_gets_its_threads_back():
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        before = [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]
        blas.gram(np.ones((3, 2)))
        assert [pool["num_threads"] for pool in threadpoolctl.threadpool_info()] == before


def test_data_that_cannot_be_separated_says_so():
    X = np.array([[1.0], [2.0], [3.0]])  # on a line through 0 the net is linear on each side
    run = P.train_flow(X, [1, -1, 1], leak=0.5, steps=50, seed=0)
    assert not run.separated and not run.settled
    assert np.isnan(run.multipliers).all() and np.isnan(run.residual)
    with pytest.raises(ValueError, match=r"^run has the margin -.* more steps"):
        P.least_squares_multipliers(run)
    with pytest.raises(ValueError, match=r"^X and y were not separated in steps = 50 steps"):
        experiments.learn(X, [1, -1, 1], leak=0.5, eps=0.1, steps=50, seed=0)


def test_a_run_that_is_too_short_is_not_separated():
    run = P.train_flow(X_SMALL, Y_SMALL, leak=0.3, width=4, steps=2, seed=5, start_scale=30.0)
    assert not run.separated and np.isnan(run.multipliers).all()


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 9), st.floats(0.05, 0.95), st.sampled_from(["exponential", "logistic"]))
def test_the_flow_descends_and_ends_at_a_kkt_point(seed, count, leak, loss):
    X, y = experiments.orthogonal(count, count + 3, seed, norm=2.0)
    run = P.train_flow(X, y, leak=leak, width=4, steps=300, seed=seed, loss=loss)
    assert run.separated
    np.testing.assert_allclose(run.multipliers, 2 / ((1 + leak**2) * 4), rtol=1e-6)
    assert run.trace.log_loss[-1] < run.trace.log_loss[0]


GOOD = {"X": X_SMALL, "y": Y_SMALL, "leak": 0.5, "seed": 0}


@pytest.mark.parametrize(
    "change, message",
    [
        ({"y": [1, -1, 0, 1, 1]}, r"^y contains 0.0; every entry must be \+1 or -1"),
        ({"y": [1, -1]}, r"^y has shape \(2,\); it must have shape \(5,\)"),
        ({"leak": 0.0}, r"^leak = 0.0 must be > 0 and < 1"),
        ({"leak": 1.0}, r"^leak = 1.0 must be > 0 and < 1"),
        ({"width": 3}, r"^width = 3 must be even"),
        ({"width": 0}, r"^width = 0.* must be >= 2"),
        ({"steps": 1}, r"^steps = 1.* must be >= 2"),
        ({"loss": "hinge"}, r"^loss = 'hinge' must be one of"),
        ({"seed": None}, r"^seed"),
        ({"seed": -1}, r"^seed = -1.* must be >= 0"),
        ({"start_scale": -1.0}, r"^start_scale = -1.0 must be >= 0"),
        ({"increment": 0.0}, r"^increment = 0.0 must be > 0"),
        ({"X": X_SMALL[:, 0]}, r"^X has shape \(5,\)"),
        ({"X": np.where(X_SMALL > 1, np.nan, X_SMALL)}, r"^X contains nan"),
        ({"X": X_SMALL * [[1], [1], [0], [1], [1]]}, r"^X has a zero row \(row 2\)"),
        ({"X": X_SMALL[[0, 1, 2, 1, 4]]}, r"^X has two equal rows, 1 and 3"),
        ({"gram": np.eye(4)}, r"^gram has shape \(4, 4\)"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(ValueError, match=message):
        P.train_flow(**{**GOOD, **change})


def test_bad_rate_and_run():
    with pytest.raises(ValueError, match=r"^rate = 0 must be > 0|^rate = 0.0 must be > 0"):
        P.train_descent(**GOOD, rate=0)
    with pytest.raises(ValueError, match=r"^run = 3 must be what train_flow returns"):
        training.least_squares_multipliers(3)


# --- runs that stop short ---------------------------------------------------------------------------------


def test_a_rate_that_overflows_says_so():
    with pytest.warns(ConvergenceWarning, match=r"^perturbations.train_descent stopped short: .* lower rate = 1e\+100"):
        run = P.train_descent([[1, 0], [1, 0.1], [1, -0.1]], [1, -1, 1], leak=0.5, steps=50, rate=1e100, seed=0)
    assert not (run.separated or run.settled or run.converged) and np.isnan(run.multipliers).all()


def test_an_increment_that_overflows_is_not_called_separated():
    with pytest.warns(ConvergenceWarning, match=r"^perturbations.train_flow .* lower increment = 1e\+308") as caught:
        run = P.train_flow(X_SMALL, Y_SMALL, leak=0.5, steps=50, increment=1e308, seed=0)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert not run.separated and np.isnan(run.multipliers).all()


def test_a_flow_without_a_direction_says_so():
    with pytest.warns(ConvergenceWarning, match="no margin can grow after 0 steps, wanted steps = 50"):
        run = P.train_flow([[1.0, 0.0], [-1.0, 0.0]], [1, 1], leak=0.5, steps=50, seed=0, start_scale=0)
    assert run.steps == 0 and not run.converged


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_a_scale_whose_squares_are_no_numbers_is_refused(size):
    with pytest.raises(ValueError, match="^X has entries of size .* change its unit"):
        P.train_flow(size * np.eye(2), [1, -1], leak=0.5, steps=50, seed=0)
