import math

import numpy as np
import pytest

from robustnn_core import ConvergenceWarning, laws, nets
from robustnn_core.neurotron import adversaries as adv
from robustnn_core.neurotron import train, train_cautious, train_sgd
from tests.neurotron import reference

GATE, GAUSS = nets.SingleFilterNet.gate(2), laws.Gaussian(2)


def test_sgd_is_trapped_where_neurotron_is_not():
    """theta = .5, |w*| = 2, started at -w*/2: greedy SGD ends at |w*| + theta p / sigma^2 = 2.40."""
    law, w_star = laws.Gaussian(2), np.array([2.0, 0.0])
    sgd = train_sgd(law, w_star, theta=0.5, eta=0.01, steps=3000, repeats=100, seed=0, start=-w_star / 2, records=10)
    assert sgd.trace.steps[0] == 0 and sgd.trace.steps[-1] == sgd.steps == 3000
    assert sgd.trace.errors.shape == (10, 100) and not sgd.diverged.any()
    np.testing.assert_allclose(sgd.trace.errors[0], 3.0)
    np.testing.assert_array_equal(np.linalg.norm(sgd.weights - w_star, axis=1), sgd.errors)
    assert sgd.rms == pytest.approx(2.40, abs=0.05)
    run = train(
        GATE, law, w_star, adversary=adv.Greedy(0.5), eta=0.01, steps=3000, repeats=100, seed=0, start=-w_star / 2
    )
    assert run.rms == pytest.approx(0.80, abs=0.05)
    # near w* the gate halves the floor: theta p / lam1
    near = train_sgd(law, 4 * w_star, theta=0.1, eta=0.005, steps=4000, repeats=100, seed=0, start=4 * w_star)
    assert near.rms == pytest.approx(0.1 * math.sqrt(2 / math.pi), rel=0.1)


@pytest.mark.parametrize("leak", [0.0, 0.5, 1.0])
def test_the_cautious_learner_never_moves_away_and_ends_within_its_bound(leak):
    """One direction is never told: started at one of the two-point pair it stays; from elsewhere it comes within 4."""
    law, far = laws.Sphere(2, 2.0), np.array([0.1 / (1 + leak), 0.0])
    pair = train_cautious(law, -far, theta=0.1, leak=leak, start=far, steps=500, repeats=20, seed=0)
    np.testing.assert_allclose(pair.trace.errors, 4 * 0.1 / (2 * (1 + leak)))
    run = train_cautious(law, -30 * far, theta=0.1, leak=leak, start=[1.0, 2.0], steps=4000, repeats=20, seed=0)
    assert run.steps == 4000 and (np.diff(run.trace.errors, axis=0) <= 1e-12).all()
    assert run.errors.max() <= 1.02 * 4 * 0.1 / (2 * (1 + leak))


def test_sgd_that_diverges_says_so():
    with pytest.warns(
        ConvergenceWarning, match="^neurotron.train_sgd stopped short: 2 of 2 repeats diverged"
    ) as caught:
        run = train_sgd(
            laws.Gaussian(2), [1.0, 0.0], theta=0.0, eta=1e9, steps=200, repeats=2, seed=2, start=[0.5, 0.5]
        )
    assert len(caught) == 1 and caught[0].filename == __file__
    assert run.diverged.all() and run.trace.errors.shape == (len(run.trace), 2)


def one_path(step, law, w, *, steps, seed):
    """The weights of one repeat by loops, on the inputs that the learner has seen."""
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    for _ in range(steps):
        w = step(w, law.sample(rng, 1)[0])
    return w


def test_sgd_against_a_loop():
    law, w_star, theta, eta = laws.Gaussian(2), np.array([1.0, -0.5]), 0.2, 0.1

    def step(w, x):
        xi = theta if (w - w_star) @ x >= 0 else -theta
        return w + eta * (max(w_star @ x, 0.0) + xi - w @ x) * x if w @ x > 0 else w

    run = train_sgd(law, w_star, theta=theta, eta=eta, steps=40, repeats=1, seed=3, start=[[0.5, 0.5]])
    plain = one_path(step, law, np.array([0.5, 0.5]), steps=40, seed=3)
    np.testing.assert_allclose(run.weights[0], plain, rtol=1e-10)


def test_the_cautious_learner_against_bisection():
    law, w_star, theta, leak = laws.Gaussian(2), np.array([1.0, -0.5]), 0.2, 0.3

    def step(w, x):
        clean, own = reference.sigma(float(w_star @ x), leak), reference.sigma(float(w @ x), leak)
        return reference.closest_allowed(w, x, clean + min(max(own - clean, -theta), theta), 0.3, leak)

    run = train_cautious(law, w_star, theta=theta, told=0.3, leak=leak, steps=40, repeats=1, seed=3, start=[3.0, 2.0])
    np.testing.assert_allclose(run.weights[0], one_path(step, law, np.array([3.0, 2.0]), steps=40, seed=3), atol=1e-9)


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: train_sgd(GAUSS, [1.0], theta=0.1, eta=0.1, steps=2, repeats=2, seed=0),
            r"^w_star has shape \(1,\)",
        ),
        (
            lambda: train_sgd(GAUSS, [1.0, 0], theta=-0.1, eta=0.1, steps=2, repeats=2, seed=0),
            r"^theta = -0.1 must be >= 0",
        ),
        (
            lambda: train_sgd(GAUSS, [1.0, 0], theta=0.1, eta=0, steps=2, repeats=2, seed=0),
            r"^eta = 0.0 must be > 0",
        ),
        (
            lambda: train_sgd(GAUSS, [1.0, 0], theta=0.1, eta=0.1, steps=2.5, repeats=2, seed=0),
            r"^steps = 2.5 must be an integer",
        ),
        (
            lambda: train_sgd(GAUSS, [1.0, 0], theta=0.1, eta=0.1, steps=2, repeats=0, seed=0),
            r"^repeats = 0.* must be >= 1",
        ),
        (
            lambda: train_cautious(GAUSS, [1.0], theta=0.1, steps=2, repeats=2, seed=0),
            r"^w_star has shape \(1,\)",
        ),
        (
            lambda: train_cautious(GAUSS, [1.0, 0], theta=-0.1, steps=2, repeats=2, seed=0),
            r"^theta = -0.1 must be >= 0",
        ),
        (
            lambda: train_cautious(GAUSS, [1.0, 0], theta=0.1, told=-1, steps=2, repeats=2, seed=0),
            r"^told = -1.0 must be >= 0",
        ),
        (
            lambda: train_cautious(GAUSS, [1.0, 0], theta=0.1, leak=-0.5, steps=2, repeats=2, seed=0),
            r"^leak = -0.5 must be",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
