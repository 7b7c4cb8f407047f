"""Public checks of the exercises of *A sharper theorem*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers

EXERCISES = {
    "ex-nt5-scale": "scaled_constants",
    "ex-nt5-probability": "sometimes_floor",
    "ex-nt5-batch": "batch_lie",
    "ex-nt5-decreasing": "step_at",
    "ex-nt5-worst": "worst_reach",
}


def scaled_constants(answer):
    known = np.array([1.0, 0.8, 6.0, 10.0])

    def found(values, s):
        return numbers(call(answer, *values, s, name="scaled_constants"), name="scaled_constants", shape=(4,))

    compare(
        found(known, 1.0), known, name="scaled_constants at s = 1", hint="Nothing changes, and the order is a, p, Q, V."
    )
    compare(found(found(known, 2.0), 3.0), found(known, 6.0), name="scaled_constants at s = 2 and then s = 3")
    a, p, Q, V = found(known, 2.0)
    compare(
        a**2 / Q,
        1 / 6,
        name="a^2 / Q of scaled_constants",
        hint="The factor by which the best step contracts has no unit.",
    )
    compare(p**2 / V, 0.064, name="p^2 / V of scaled_constants", hint="Both are squares of a length of M x.")
    if not a > known[0]:
        fail("scaled_constants says that larger inputs do not pull more.")


def sometimes_floor(answer):
    letters = 1.0, 0.8, 6.0, 10.0

    def floor(theta, beta, eta):
        return float(numbers(call(answer, *letters, theta, beta, eta, name="sometimes_floor"), name="sometimes_floor"))

    compare(floor(0.1, 0.0, 0.02), 0.0, name="sometimes_floor if no label is touched")
    compare(floor(0.2, 0.3, 0.02), 2 * floor(0.1, 0.3, 0.02), name="sometimes_floor with twice the budget")
    compare(
        floor(1.0, 0.5, 1e-9),
        0.8,
        name="sometimes_floor at a tiny step, every second label touched,",
        tol=1e-3,
        hint="Half of the push is left.",
    )
    if floor(0.1, 0.25, 0.02) <= 0.25 * floor(0.1, 1.0, 0.02):
        fail("sometimes_floor falls as fast as beta; at a finite step the noise falls only like its root.")


def batch_lie(answer):
    rng = np.random.default_rng(1)
    x = rng.standard_normal(4)

    def length(X, theta):
        lies = numbers(call(answer, X, theta, name="batch_lie"), name="batch_lie", shape=(len(X),))
        if np.abs(lies).max() > theta * (1 + 1e-9):
            fail("batch_lie exceeds the budget.")
        return np.linalg.norm(lies @ X) / len(X)

    compare(
        length(np.array([x]), 0.5),
        0.5 * np.linalg.norm(x),
        name="the length of the update for a batch of one",
        hint="Use the whole budget.",
    )
    compare(
        length(np.array([x, x]), 0.5), 0.5 * np.linalg.norm(x), name="the length of the update for two equal inputs"
    )
    compare(
        length(np.array([x, -x]), 0.5),
        0.5 * np.linalg.norm(x),
        name="the length of the update for two opposite inputs",
        hint="The two need not cancel.",
    )
    X = rng.standard_normal((300, 2, 10))
    if np.mean([length(batch, 1.0) ** 2 for batch in X]) < 10 / 2 + 1 / np.pi:
        fail("batch_lie does not beat the bound of the exercise.")


def step_at(answer):
    a, Q = 1.0, 6.0
    steps = numbers(
        [call(answer, t, a, Q, name="step_at") for t in range(4000)], name="the list of the steps", shape=(4000,)
    )
    if steps.min() <= 0:
        fail("step_at is not positive.")
    if steps.max() >= a / Q:
        fail("step_at is too long somewhere; beyond a / Q the theorem says nothing.")
    if steps[-1] > steps[0] / 5:
        fail("step_at does not tend to 0.")
    if steps[2000:].sum() < 0.3 * steps[:2000].sum() / np.log(2000):
        fail("step_at falls so fast that the sum of the steps does not seem to diverge.")


def worst_reach(answer):
    rng = np.random.default_rng(2)
    u, Z = np.array([0.6, 0.8]), rng.standard_normal((7, 2))

    def reach(B, Z):
        return float(numbers(call(answer, u, B, Z, name="worst_reach"), name="worst_reach"))

    compare(reach(2 * np.eye(2), Z), np.abs(Z @ u).mean() / 2, name="worst_reach with B = 2 I", tol=2e-3)
    B = np.array([[1.0, 0.0], [0.0, 4.0]])
    here = reach(B, Z)
    compare(
        reach(3 * B, Z),
        here / 3,
        name="worst_reach with B three times as large",
        tol=2e-3,
        hint="That only changes the unit of time.",
    )
    compare(reach(B, -2 * Z), 2 * here, name="worst_reach with Z replaced by -2 Z", tol=2e-3)
    if here < np.abs(Z @ np.linalg.solve(B.T, u)).mean() * 0.999:
        fail("worst_reach is smaller than what a lie achieves that never changes.")
