"""Answers and hidden checks of assignment 2, *Learn from a liar*."""

import numpy as np

from robustnn_core import laws, nets, neurotron
from robustnn_core.course import call, compare, fail, numbers, parts
from robustnn_core.neurotron import adversaries


def step(w, x, y, eta):
    """Return the filter after the step, an array like ``w`` and ``x``; ``y`` and ``eta`` are numbers."""
    return w + eta * (y - max(w @ x, 0.0)) * x


def hidden_step(answer):
    rng = np.random.default_rng(5)
    for n in (1, 3, 10):
        gate = nets.SingleFilterNet.gate(n)
        for seed in range(5):
            w, truth, x, eta = rng.standard_normal(n), rng.standard_normal(n), rng.standard_normal(n), rng.random()
            moved = neurotron.train(
                gate, laws.Symmetrised(x[None]), truth, eta=eta, steps=1, repeats=1, seed=seed, start=w
            ).weights[0]
            both = [
                numbers(call(answer, w, z, gate.predict(truth, z[None])[0], eta, name="step"), name="step", shape=(n,))
                for z in (x, -x)
            ]
            compare(
                min(both, key=lambda v: np.abs(v - moved).max()), moved, name="step"
            )  # the run has drawn one of the two


def lie(x, w, w_star, theta):
    """Return the greedy adversary's lie xi, a number, at the input ``x``; ``w_star`` is the true filter."""
    return theta if (w - w_star) @ x >= 0 else -theta


def hidden_lie(answer):
    rng = np.random.default_rng(6)
    for n in (1, 4):
        for _ in range(20):
            x, w, truth, theta = rng.standard_normal(n), rng.standard_normal(n), rng.standard_normal(n), rng.random()
            xi = float(numbers(call(answer, x, w, truth, theta, name="lie"), name="lie"))
            compare(abs(xi), theta, name="the size of lie")
            moved, other = (w + 1e-6 * (np.maximum(truth @ x, 0) + lie - np.maximum(w @ x, 0)) * x for lie in (xi, -xi))
            if np.linalg.norm(moved - truth) < np.linalg.norm(other - truth):
                fail("lie helps the learner: the opposite lie leaves a larger error after one small step.")


def floor(theta, sigma):
    """Return the distance |w - w*| at which the mean pull and the mean greedy push are equal, a number."""
    return 2 * np.sqrt(2 / np.pi) * theta / sigma


def hidden_floor(answer):
    gate, law = nets.SingleFilterNet.gate(4), laws.Gaussian(4, 1.0)
    run = neurotron.train(
        gate,
        law,
        np.zeros(4),
        adversary=adversaries.Greedy(0.1),
        start=0.16 * np.eye(4)[0],
        eta=0.002,
        steps=4000,
        repeats=100,
        seed=7,
    )
    compare(
        call(answer, 0.1, 1.0, name="floor"), np.mean(run.errors), name="floor, compared with a simulation,", tol=0.01
    )
    for theta, sigma in ((0.117, 4.0), (3.0, 0.5)):
        known = neurotron.constants(gate, laws.Gaussian(4, sigma))
        limit = neurotron.sharp_floor(known, theta=theta, eta=1e-9)
        compare(call(answer, theta, sigma, name="floor"), limit, name="floor", tol=1e-4)


def pull(X, w, w_star, lies, mirrored, theta):
    """Return the two sides, numbers (left, right).

    X has shape (n, d), ``lies`` and ``mirrored``, of shape (n,), are the lies at the rows of X and at those of -X.
    Right is the mean over all 2n inputs.
    """
    error = X @ (w - w_star)
    honest = np.maximum(X @ w, 0) - np.maximum(X @ w_star, 0)
    mirror = np.maximum(-X @ w, 0) - np.maximum(-X @ w_star, 0)
    right = ((honest - lies) * error - (mirror - mirrored) * error).mean() / 2
    return (error**2).mean() / 2 - theta * np.abs(error).mean(), right


def hidden_pull(answer):
    for seed in range(6):
        rng = np.random.default_rng(130 + seed)
        X, w, truth, theta = rng.standard_normal((7, 3)), *rng.standard_normal((2, 3)), rng.random()
        lies = rng.uniform(-theta, theta, (2, 7))
        found = parts(call(answer, X, w, truth, *lies, theta, name="pull"), 2, name="pull", what="the two sides")
        total = sum(
            (max(w @ x, 0) - max(truth @ x, 0) - lie) * (x @ (w - truth))
            for points, said in ((X, lies[0]), (-X, lies[1]))
            for x, lie in zip(points, said)
        )
        e = [float(x @ (w - truth)) for x in X]
        compare(found[0], sum(v * v / 2 - theta * abs(v) for v in e) / 7, name="the left side of pull")
        compare(found[1], total / 14, name="the right side of pull")


POINTS = {"floor": 2}  # of the hidden check; 1 where nothing is said
WRONG = {
    "pull": [
        lambda X, w, s, a, b, t: (  # without the half of the gate
            ((X @ (w - s)) ** 2).mean() - t * np.abs(X @ (w - s)).mean(),
            ((np.maximum(X @ w, 0) - np.maximum(X @ s, 0) - a) * (X @ (w - s))).mean(),
        ),
        lambda X, w, s, a, b, t: (  # one side of the inputs only
            ((X @ (w - s)) ** 2).mean() / 2 - t * np.abs(X @ (w - s)).mean(),
            ((np.maximum(X @ w, 0) - np.maximum(X @ s, 0) - a) * (X @ (w - s))).mean(),
        ),
        lambda X, w, s, a, b, t: (((X @ (w - s)) ** 2).mean() / 2, ((X @ (w - s)) ** 2).mean() / 2),
    ],
    "step": [
        lambda w, x, y, eta: w + eta * (y - w @ x) * x,  # the line's
        lambda w, x, y, eta: w + eta * (y - max(w @ x, 0.0)) * (w @ x > 0) * x,  # gradient descent
        lambda w, x, y, eta: w - eta * (y - max(w @ x, 0.0)) * x,
    ],
    "lie": [
        lambda x, w, w_star, theta: -theta if (w - w_star) @ x >= 0 else theta,  # helps
        lambda x, w, w_star, theta: theta if w @ x >= 0 else -theta,
        lambda x, w, w_star, theta: theta if w @ x >= max(w_star @ x, 0) else -theta,
        lambda x, w, w_star, theta: theta,
    ],
    "floor": [
        lambda theta, sigma: np.sqrt(2 / np.pi) * theta / sigma,  # the line's
        lambda theta, sigma: 2 * theta / sigma,
        lambda theta, sigma: np.sqrt(8 / np.pi) * theta / sigma**2,
    ],
}
