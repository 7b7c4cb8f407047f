"""Answers and hidden checks of the exercises of *A sharper theorem*."""

import numpy as np

from robustnn_core import laws, nets, neurotron
from robustnn_core.course import call, compare, fail, numbers


def scaled_constants(a, p, Q, V, s):
    """Return the four constants for the inputs s x, an array (a, p, Q, V), from those for x.

    M is the mean patch in both cases.
    """
    return np.array([a * s**2, p * s, Q * s**4, V * s**2])


def hidden_scaled_constants(answer):
    points = np.random.default_rng(21).standard_normal((60, 3))
    for leak, s in ((0.0, 3.0), (0.4, 0.2), (1.0, 1.7)):
        net = nets.SingleFilterNet.convolution(3, 2, leak=leak)
        c, known = (neurotron.constants(net, laws.Symmetrised(scale * points)) for scale in (1.0, s))
        found = call(answer, c.a, c.p, c.Q, c.V, s, name="scaled_constants")
        compare(found, [known.a, known.p, known.Q, known.V], name="scaled_constants", tol=1e-4)


def sometimes_floor(a, p, Q, V, theta, beta, eta):
    """Return R(eta), a number, for an adversary who touches each label with probability at most ``beta``.

    ``beta`` is a constant, whatever x and the past.
    """
    q = beta * p + eta * np.sqrt(Q * beta * V)
    rate = a - eta * Q
    return theta * (q + np.sqrt(q**2 + eta * rate * beta * V)) / rate


def hidden_sometimes_floor(answer):
    c = neurotron.constants(nets.SingleFilterNet.gate(6), laws.Gaussian(6, 1.3))
    for beta, share in ((1.0, 0.2), (0.5, 0.5), (0.04, 0.7)):
        theta, eta, D = 0.3, share * c.a / c.Q, 1.0
        for _ in range(3000):  # the step of the proof: drift and attack, and second order by Minkowski
            second = np.sqrt(c.Q) * D + theta * np.sqrt(beta * c.V)
            D = np.sqrt(D**2 - eta * c.a * D**2 + 2 * eta * theta * beta * c.p * D + eta**2 * second**2)
        compare(call(answer, c.a, c.p, c.Q, c.V, theta, beta, eta, name="sometimes_floor"), D, name="sometimes_floor")


def batch_lie(X, theta):
    """Return the lies, an array of shape (b,), that make the mean of lie times input as long as possible.

    The adversary sees the batch ``X``, of shape (b, n) with b at most 6.
    """
    from itertools import product

    signs = max(product([-1.0, 1.0], repeat=len(X)), key=lambda s: np.linalg.norm(np.array(s) @ X))
    return theta * np.array(signs)


def hidden_batch_lie(answer):
    rng = np.random.default_rng(23)
    for b, n in ((2, 10), (6, 1), *10 * [(3, 2), (5, 4)]):
        X = rng.standard_normal((b, n))
        lies = numbers(call(answer, X, 0.7, name="batch_lie"), name="batch_lie", shape=(b,))
        if np.abs(lies).max() > 0.7 * (1 + 1e-9):
            fail("batch_lie exceeds the budget.")
        gram, best = X @ X.T, 0.0
        for code in range(2**b):
            s = np.array([1 - 2 * (code >> i & 1) for i in range(b)])
            best = max(best, s @ gram @ s)
        if lies @ gram @ lies < 0.49 * best * (1 - 1e-9):
            fail("batch_lie is not the best: other signs give a longer update.")


def step_at(t, a, Q):
    """Return the step eta_t, a number below a / Q, of update t = 0, 1, 2, ...

    With these steps the error under blind adversaries is to fall as fast as possible, up to a factor.
    """
    return 1 / (a * t / 2 + 2 * Q / a)


def hidden_step_at(answer):
    for a, Q in ((1.0, 3.0), (2.0, 40.0), (0.5, 0.2)):
        square = best = 1.0
        for t in range(6000):
            eta = float(numbers(call(answer, t, a, Q, name="step_at"), name="step_at"))
            if not 0 < eta < a / Q:
                fail("step_at is not between 0 and a / Q.")
            square = (1 - eta * a + eta**2 * Q) * square + eta**2 * Q  # theta^2 V = Q
            ideal = a * best / (2 * (Q * best + Q))  # the step that is best now, if Delta were known
            best = (1 - ideal * a + ideal**2 * Q) * best + ideal**2 * Q
        if square > 3 * best:
            fail("step_at is too slow: after 6000 updates the mean square is more than three times the best possible.")


def worst_reach(u, B, Z):
    """Return the integral over s > 0 of the mean of |u . exp(-s B) z|, a number (three digits).

    z is one of the rows of ``Z``; the eigenvalues of ``B`` have positive real parts.
    """
    from scipy.linalg import expm

    width = 0.01 / np.linalg.norm(B, 2)
    turn, v, total = expm(-width * B).T, expm(-width / 2 * B).T @ u, 0.0
    while np.linalg.norm(v) > 1e-6:
        total += width * np.abs(Z @ v).mean()
        v = turn @ v
    return total


def hidden_worst_reach(answer):
    from scipy.integrate import quad
    from scipy.linalg import expm

    half = np.log(2) / 2  # where exp(-s) = 2 exp(-3 s)
    known = 2 / 3 * (1 - np.exp(-3 * half)) - (1 - np.exp(-half)) + np.exp(-half) - 2 / 3 * np.exp(-3 * half)
    u = np.ones(2) / np.sqrt(2)
    compare(
        call(answer, u, np.diag([1.0, 3.0]), np.array([[1.0, -2.0]]), name="worst_reach"),
        known / np.sqrt(2),
        name="worst_reach",
        tol=3e-3,
    )
    B, z = np.array([[1.0, 0.0], [1.5, 1.0]]), np.array([1.0, -0.4])
    known = quad(lambda s: abs(u @ expm(-s * B) @ z), 0, 30, limit=200)[0]
    compare(call(answer, u, B, z[None], name="worst_reach"), known, name="worst_reach", tol=3e-3)


WRONG = {
    "scaled_constants": [
        lambda a, p, Q, V, s: np.array([a, p, Q, V]) * s**2,
        lambda a, p, Q, V, s: np.array([a * s**2, p * s**2, Q * s**4, V * s**4]),
        lambda a, p, Q, V, s: np.array([a * s, p * s, Q * s**2, V * s**2]),
    ],
    "sometimes_floor": [
        lambda a, p, Q, V, theta, beta, eta: (
            beta * theta * ((q := p + eta * np.sqrt(Q * V)) + np.sqrt(q**2 + eta * (a - eta * Q) * V)) / (a - eta * Q)
        ),
        lambda a, p, Q, V, theta, beta, eta: 2 * theta * beta * p / a,
        lambda a, p, Q, V, theta, beta, eta: (
            theta * ((q := beta * p + eta * np.sqrt(Q * V)) + np.sqrt(q**2 + eta * (a - eta * Q) * V)) / (a - eta * Q)
        ),  # V unchanged
        lambda a, p, Q, V, theta, beta, eta: (
            theta
            * ((q := beta * (p + eta * np.sqrt(Q * V))) + np.sqrt(q**2 + eta * (a - eta * Q) * beta * V))
            / (a - eta * Q)
        ),
    ],
    "batch_lie": [
        lambda X, theta: np.full(len(X), theta),
        lambda X, theta: theta * np.sign(X[:, 0]),
        lambda X, theta: theta * np.sign(X @ X[0]),  # best for two, not for more
        lambda X, theta: theta * np.sign(X @ np.linalg.svd(X)[2][0]),
    ],
    "step_at": [
        lambda t, a, Q: a / (2 * Q),  # does not decrease
        lambda t, a, Q: a / (2 * Q) / (1 + t) ** 2,
        lambda t, a, Q: a / (2 * Q) / (1 + t),  # too short from the start
        lambda t, a, Q: a / (2 * Q) / np.sqrt(1 + t),
    ],
    "worst_reach": [
        lambda u, B, Z: np.abs(Z @ np.linalg.solve(B.T, u)).mean(),  # of a lie that never changes
        lambda u, B, Z: np.abs(Z @ u).mean() / np.linalg.eigvalsh((B + B.T) / 2)[0],  # of the theorem
        lambda u, B, Z: np.abs(Z @ np.linalg.solve(B, u)).mean(),
    ],
}
