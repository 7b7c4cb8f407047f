"""What the chapters call to get the numbers of one figure or table."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from sklearn.datasets import load_digits

from robustnn_core import checks, laws, moments, nets, streams
from robustnn_core.neurotron import adversaries, proofs, theory
from robustnn_core.neurotron.inputs import check_finite, check_m, check_pair
from robustnn_core.neurotron.training import train

__all__ = [
    "Confidence",
    "adversary_table",
    "cautious_errors",
    "confidence",
    "digits",
    "feasible_corners",
    "impostor_pair",
    "linear_second_moments",
    "measured_steps",
    "nearest_impostor",
    "paper_case_one",
    "planted_filter",
    "sgd_errors",
    "widest_pair",
    "worst_lie",
]


def digits(kernel=4, stride=4, leak=0.0):
    """Return ``(net, law)``: a filter over scikit-learn's 8x8 digits and the digits made symmetric.

    Pixels are divided by 16, centred, and every image gets a random sign (regime E6).

    Parameters
    ----------
    kernel, stride : int
        Side of the square filter, and how far it moves.
    leak : float

    Examples
    --------
    >>> from robustnn_core.neurotron.experiments import digits
    >>> net, law = digits()
    >>> net.patches.shape, law.X.shape
    ((4, 16, 64), (1797, 64))
    """
    X = load_digits().data / 16
    return nets.SingleFilterNet.convolution((8, 8), (kernel, kernel), stride, leak), laws.Symmetrised(
        X - X.mean(axis=0)
    )


def adversary_table(net, law, w_star, *, adversaries, etas, steps, repeats, seed, M=None, start=None):
    """Root mean square error at the end, for every adversary and every step size.

    Parameters
    ----------
    adversaries : dict of name -> adversary
    etas : sequence of float > 0
    steps : int or sequence of int
        Updates, one number or one for each step size.

    Returns
    -------
    dict of name -> ndarray, shape (len(etas),)

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron.experiments import adversary_table
    >>> from robustnn_core.neurotron import adversaries as a
    >>> table = adversary_table(nets.SingleFilterNet.gate(2), laws.Gaussian(2), [1, 0], seed=0, repeats=10,
    ...                         adversaries={"none": a.NoAttack()}, etas=[0.1], steps=400)
    >>> table["none"].max() < 1e-3
    np.True_
    """
    steps = np.broadcast_to(steps, len(etas))
    return {
        name: np.array(
            [
                train(
                    net,
                    law,
                    w_star,
                    adversary=who,
                    eta=eta,
                    steps=int(T),
                    repeats=repeats,
                    seed=seed,
                    M=M,
                    start=start,
                    records=2,
                ).rms
                for eta, T in zip(etas, steps)
            ]
        )
        for name, who in adversaries.items()
    }


def measured_steps(net, law, w_star, *, eta, target, most, repeats, seed, adversary=None, M=None, start=None):
    """The first t at which the mean square error over the repeats is at most ``target``.

    Counted as the theorems count: the start is t = 1. Raises ValueError if ``most`` updates do not get there.

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron.experiments import measured_steps
    >>> measured_steps(nets.SingleFilterNet.gate(2), laws.Gaussian(2), [1, 0], eta=0.1, target=1e-2, most=500, repeats=50, seed=0)
    54
    """
    target = checks.number(target, "target", above=0.0)
    most = checks.integer(most, "most", at_least=1)
    run = train(
        net,
        law,
        w_star,
        adversary=adversary,
        eta=eta,
        steps=most,
        repeats=repeats,
        seed=seed,
        M=M,
        start=start,
        records=most + 1,
    )
    reached = np.flatnonzero(run.trace.mean_square <= target)
    if len(reached) == 0:
        raise ValueError(
            f"most = {most} updates end at {run.trace.mean_square[-1]:.3g}, above target = {target}; allow more"
        )
    return int(reached[0]) + 1


@dataclass(frozen=True)
class Confidence:
    """What a confidence claim promised and what was measured.

    Attributes
    ----------
    promised, measured : float
        Probability of an error <= eps.
    mean_square, allowed : float
        Measured Delta_T and the eps^2 delta that Markov's inequality needs.
    repeats : int
    """

    promised: float
    measured: float
    mean_square: float
    allowed: float
    repeats: int


def confidence(net, law, w_star, schedule, *, eps, delta, repeats, seed, adversary=None, M=None, start=None):
    """Run a schedule to its T and compare with what it promised.

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron import theory
    >>> from robustnn_core.neurotron.experiments import confidence
    >>> net, law = nets.SingleFilterNet.gate(2), laws.Gaussian(2)
    >>> s = theory.realizable_schedule(theory.constants(net, law), eps=0.1, delta=0.1, start=1.0)
    >>> confidence(net, law, [1, 0], s, eps=0.1, delta=0.1, repeats=50, seed=0).measured
    1.0
    """
    run = train(
        net,
        law,
        w_star,
        adversary=adversary,
        eta=schedule.eta,
        steps=schedule.steps - 1,
        repeats=repeats,
        seed=seed,
        M=M,
        start=start,
        records=2,
    )
    return Confidence(1 - delta, float(np.mean(run.errors <= eps)), run.rms**2, eps**2 * delta, repeats)


def impostor_pair(w_star, *, theta, radius, direction):
    """The impostor at distance theta/radius from w*: its labels stay within theta on the sphere.

    Examples
    --------
    >>> from robustnn_core.neurotron.experiments import impostor_pair
    >>> impostor_pair([1.0, 0.0], theta=0.2, radius=2.0, direction=[0.0, 1.0])
    array([1. , 0.1])
    """
    w_star = checks.array(w_star, "w_star", shape=("r",))
    direction = checks.array(direction, "direction", shape=w_star.shape)
    if not direction.any():
        raise ValueError("direction is 0; give any other vector")
    return w_star + checks.number(theta, "theta", at_least=0.0) / checks.number(
        radius, "radius", above=0.0
    ) * direction / np.linalg.norm(direction)


def paper_case_one(*, lam1, lam2, lam3, m4, leak, gamma):
    """The paper's eta and kappa of Case I, taken at its word, for the errata page: ``(eta, kappa)``.

    No hypothesis is checked: :func:`theory.realizable_schedule` is the one to use.

    Examples
    --------
    >>> from robustnn_core.neurotron.experiments import paper_case_one
    >>> eta, kappa = paper_case_one(lam1=1.0, lam2=1.0, lam3=1.0, m4=3.0, leak=-0.9, gamma=2.0)
    >>> round(eta, 4), round(kappa, 4)
    (1.6667, 0.9167)
    """
    return lam1 / (gamma * (1 + leak) * lam2**2 * lam3 * m4), 1 - (gamma - 1) / gamma**2 * lam1**2 / (
        lam2**2 * lam3 * m4
    )


def linear_second_moments(M, e, *, eta, steps):
    r"""Delta_t exactly, for the linear gate (leak 1) with x ~ N(0, I) and any M: no Monte Carlo.

    With :math:`S = E ee^\top`: :math:`S^+ = S - \eta(SM^\top + MS) + \eta^2 M(\operatorname{tr}(S)I + 2S)M^\top`.

    Parameters
    ----------
    M : array_like, shape (n, n)
    e : array_like, shape (n,)
        The first error.
    eta : float > 0
    steps : int

    Returns
    -------
    ndarray, shape (steps + 1,)

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.neurotron.experiments import linear_second_moments
    >>> linear_second_moments(np.eye(2), [1.0, 0.0], eta=0.1, steps=1)
    array([1.  , 0.84])
    """
    e = checks.array(e, "e", shape=("n",))
    n = len(e)
    M = checks.array(M, "M", shape=(n, n))
    eta = checks.number(eta, "eta", above=0.0)
    delta = np.empty(checks.integer(steps, "steps", at_least=0) + 1)

    def update(S):
        return S - eta * (S @ M.T + M @ S) + eta**2 * M @ (np.trace(S) * np.eye(n) + 2 * S) @ M.T

    matrix = np.stack([update(unit).ravel() for unit in np.eye(n * n).reshape(-1, n, n)], axis=1)
    s = np.outer(e, e).ravel()
    for t in range(steps + 1):
        delta[t] = s[:: n + 1].sum()
        s = matrix @ s
    return delta


def sgd_errors(law, w_star, *, theta, eta, steps, repeats, seed, start=None, records=60):
    r"""Stochastic gradient descent on one ReLU gate against its own greedy adversary, in plain NumPy.

    The true gradient carries the gate :math:`1\{w\cdot x > 0\}`; the adversary answers
    :math:`\xi = \theta\,\mathrm{sign}((w-w^*)\cdot x)`.

    Returns
    -------
    times : ndarray of int, shape (S,)
    errors : ndarray, shape (S, repeats)

    Examples
    --------
    >>> from robustnn_core import laws
    >>> from robustnn_core.neurotron.experiments import sgd_errors
    >>> times, errors = sgd_errors(laws.Gaussian(2), [1.0, 0.0], theta=0.0, eta=0.1, steps=500, repeats=5, seed=0, start=[0.5, 0.5])
    >>> errors[-1].max() < 1e-6
    np.True_
    """
    w_star = checks.array(w_star, "w_star", shape=(law.n,))
    theta = checks.number(theta, "theta", at_least=0.0)
    eta = checks.number(eta, "eta", above=0.0)

    def step(w, X):
        z = (w * X).sum(axis=1)
        xi = theta * np.where(((w - w_star) * X).sum(axis=1) >= 0, 1.0, -1.0)
        residual = np.maximum(X @ w_star, 0) + xi - np.maximum(z, 0)
        return w + eta * (residual * (z > 0))[:, None] * X

    return _errors("sgd_errors", law, w_star, step, steps, repeats, seed, start, records)


def cautious_errors(law, w_star, *, theta, steps, repeats, seed, leak=0.0, start=None, told=None, records=60):
    r"""One gate; each time the learner moves to the closest filter that the new label allows, in plain NumPy.

    The label allows the w with :math:`|y - f_w(x)| \le \theta`. The adversary hides: it answers as close to
    the learner's own output as its budget permits.

    Parameters
    ----------
    law : laws.Law
    w_star : array_like, shape (n,)
    theta : float >= 0
        The adversary's budget.
    steps, repeats : int
    seed : int or tuple
    leak : float in [0, 1]
    start : array_like, shape (n,), optional
        0 by default.
    told : float, optional
        The budget that the learner is told; the true one by default.
    records : int

    Returns
    -------
    times : ndarray of int, shape (S,)
    errors : ndarray, shape (S, repeats)

    Examples
    --------
    >>> from robustnn_core import laws
    >>> from robustnn_core.neurotron.experiments import cautious_errors
    >>> times, errors = cautious_errors(laws.Sphere(2), [1.0, 0.0], theta=0.0, steps=200, repeats=5, seed=0)
    >>> errors[-1].max() < 1e-6
    np.True_
    """
    w_star = checks.array(w_star, "w_star", shape=(law.n,))
    theta = checks.number(theta, "theta", at_least=0.0)
    told = theta if told is None else checks.number(told, "told", at_least=0.0)
    leak = checks.number(leak, "leak", at_least=0.0, at_most=1.0)

    def step(w, X):
        z, clean = (w * X).sum(axis=1), nets.leaky_relu(X @ w_star, leak)
        y = clean + np.clip(nets.leaky_relu(z, leak) - clean, -theta, theta)
        move = proofs._closest_allowed(z, y, told, leak) - z
        square = (X**2).sum(axis=1)
        return w + (move / np.where(square > 0, square, 1.0))[:, None] * X

    return _errors("cautious_errors", law, w_star, step, steps, repeats, seed, start, records)


def _errors(name, law, w_star, step, steps, repeats, seed, start, records):
    """Return times and errors of ``repeats`` runs of ``step(w, X)``, a row of w and of X a run."""
    steps = checks.integer(steps, "steps", at_least=0)
    repeats = checks.integer(repeats, "repeats", at_least=1)
    records = checks.integer(records, "records", at_least=2)
    rng = streams.generator(seed)
    w = np.tile(np.zeros(law.n) if start is None else checks.array(start, "start", shape=(law.n,)), (repeats, 1))
    times = np.unique(np.linspace(0, steps, min(records, steps + 1)).round().astype(int))
    kept, errors = set(times), []
    with np.errstate(over="ignore", invalid="ignore"):  # what diverges is said below
        for t in range(steps + 1):
            if t in kept:
                errors.append(np.linalg.norm(w - w_star, axis=1))
            w = step(w, law.sample(rng, repeats))
        lost = ~np.isfinite(np.square(errors[-1]))
    if lost.any():
        reached = f"{lost.sum()} of {repeats} repeats diverged"
        checks.warn_unconverged(name, reached, "finite weights", "take smaller steps", stacklevel=4)
    return times, np.array(errors)


def feasible_corners(X, y, *, theta, leak=0.0):
    r"""Corners of the feasible set :math:`\{w : |y_i - f_w(x_i)| \le \theta\}` of one gate in the plane.

    For each pattern of signs of the :math:`w\cdot x_i` the set is a polygon; its corners lie where two of
    the lines :math:`w\cdot x_i = 0` and :math:`f_w(x_i) = y_i \pm \theta` cross. All crossings are tried. The
    two corners farthest apart are as far apart as any two points of the set, if the set is bounded.

    Parameters
    ----------
    X : array_like, shape (N, 2)
    y : array_like, shape (N,)
    theta : float > 0
    leak : float

    Returns
    -------
    ndarray, shape (C, 2)
        Each once.

    Examples
    --------
    >>> from robustnn_core.neurotron.experiments import feasible_corners
    >>> corners = feasible_corners([[1, 0], [0, 1], [-1, 0], [0, -1]], [0, 0, 0, 0], theta=1.0)
    >>> corners.min(), corners.max()
    (np.float64(-1.0), np.float64(1.0))
    """
    X = checks.array(X, "X", shape=("N", 2))
    y = checks.array(y, "y", shape=(len(X),))
    theta = checks.number(theta, "theta", above=0.0)
    leak = checks.number(leak, "leak")
    levels = np.stack([np.zeros_like(y), y - theta, y + theta])
    if leak != 0:
        levels = np.concatenate([levels, levels[1:] / leak])
    rows, values = np.tile(X, (len(levels), 1)), levels.ravel()
    i, j = np.triu_indices(len(rows), 1)
    det = rows[i, 0] * rows[j, 1] - rows[i, 1] * rows[j, 0]
    keep = np.abs(det) > 1e-9 * np.abs(X).max() ** 2
    i, j, det = i[keep], j[keep], det[keep]
    crossings = (
        np.stack(
            [values[i] * rows[j, 1] - values[j] * rows[i, 1], rows[i, 0] * values[j] - rows[j, 0] * values[i]], axis=1
        )
        / det[:, None]
    )
    misfit = np.abs(nets.leaky_relu(crossings @ X.T, leak) - y).max(axis=1)
    corners = crossings[misfit <= theta * (1 + 1e-9)]
    return corners[np.unique((corners / theta).round(6) + 0.0, axis=0, return_index=True)[1]]


def widest_pair(X, *, theta, leak=0.0, starts=3):
    r"""The two filters farthest apart that some labels on the sample cannot tell apart (one gate, plane).

    That is the largest \|w - w'\| with :math:`|f_w(x_i) - f_{w'}(x_i)| \le 2\theta` at every input: the worst
    diameter of a feasible set. For each pair of sign patterns the constraints are linear; a linear programme
    pushes w - w' along a direction, which is then turned towards the answer, from ``starts`` directions.

    Parameters
    ----------
    X : array_like, shape (N, 2)
    theta : float > 0
    leak : float > -1
    starts : int >= 1

    Returns
    -------
    ndarray, shape (2, 2)
        w and w'; infinite entries if the distance is unbounded.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.neurotron.experiments import widest_pair
    >>> w, other = widest_pair([[1, 0], [0, 1], [-1, 0], [0, -1]], theta=1.0)
    >>> round(np.linalg.norm(w - other) / 2**1.5, 6)
    np.float64(2.0)
    """
    X = checks.array(X, "X", shape=("N", 2))
    theta = checks.number(theta, "theta", above=0.0)
    leak = checks.number(leak, "leak", above=-1.0)
    starts = checks.integer(starts, "starts", at_least=1)
    walls = np.sort(np.mod(np.arctan2(X[:, 1], X[:, 0])[:, None] + np.array([0.5, 1.5]) * np.pi, 2 * np.pi).ravel())
    middles = (walls + np.roll(walls, -1) + np.where(np.roll(walls, -1) < walls, 2 * np.pi, 0)) / 2
    patterns = np.unique(np.where(X @ np.stack([np.cos(middles), np.sin(middles)]) >= 0, 1.0, -1.0).T, axis=0)
    best, found = 0.0, np.zeros((2, 2))
    for a, first in enumerate(patterns):
        for second in patterns[a:]:
            here = np.where(first > 0, 1.0, leak)[:, None] * X
            there = np.where(second > 0, 1.0, leak)[:, None] * X
            gap = np.hstack([here, -there])
            signs = np.block([[-first[:, None] * X, 0 * X], [0 * X, -second[:, None] * X]])
            rows = np.vstack([gap, -gap, signs])
            limits = np.concatenate([np.full(2 * len(X), 2 * theta), np.zeros(2 * len(X))])
            for angle in np.arange(starts) * 2 * np.pi / starts:
                u, reached = np.array([np.cos(angle), np.sin(angle)]), 0.0
                while True:
                    answer = linprog(np.concatenate([-u, u]), A_ub=rows, b_ub=limits, bounds=(None, None))
                    if answer.status == 3:
                        return np.array([[np.inf, np.inf], [-np.inf, -np.inf]])
                    v = answer.x[:2] - answer.x[2:]
                    if np.linalg.norm(v) <= reached * (1 + 1e-9):
                        break
                    reached, u = np.linalg.norm(v), v / np.linalg.norm(v)
                if reached > best:
                    best, found = reached, answer.x.reshape(2, 2)
    return found


def planted_filter(side=4):
    """A smooth edge filter of length 1, to plant in images: shape (side * side,).

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.neurotron.experiments import planted_filter
    >>> bool(abs(np.linalg.norm(planted_filter()) - 1) < 1e-12)
    True
    """
    x = np.linspace(-1, 1, checks.integer(side, "side", at_least=2))
    edge = (x * np.exp(-(x**2)))[None, :] * np.exp(-(x**2))[:, None]
    return (edge / np.linalg.norm(edge)).ravel()


def worst_lie(net, law, *, theta, M=None):
    r"""The fixed lie that costs Neuro-Tron the most for every M = G Abar: sign(u . C^{-1} Abar x).

    u is the best direction that an ascent finds for :math:`\sup E|u \cdot C^{-1}\bar Ax|`.

    Parameters
    ----------
    net : nets.SingleFilterNet
    law : laws.Symmetrised
    theta : float >= 0
    M : array_like, shape (r, n), optional
        The algorithm's matrix, with the rows of the mean patch in its row space.

    Returns
    -------
    adversaries.FixedLie

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron.experiments import worst_lie
    >>> law = laws.Symmetrised([[2.0, 0.0], [0.0, 1.0]])
    >>> np.abs(worst_lie(nets.SingleFilterNet.gate(2), law, theta=0.1).direction).round(3)
    array([0.224, 1.789])
    """
    check_pair(net, law)
    check_finite(law)
    M = check_m(net, M)
    whitened = theory.best_m(net, law)
    _, u = moments.mean_abs_ascent(law.X @ whitened.T)
    direction = np.linalg.lstsq(M.T, whitened.T @ u, rcond=None)[0]
    return adversaries.FixedLie(direction, theta)


def nearest_impostor(net, law, w_star, *, theta):
    """A filter as far from w* as the budget lets an impostor go in the direction the data shows least.

    Its net differs from the true one by at most theta on all the points of the law.

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron.experiments import nearest_impostor
    >>> law = laws.Symmetrised([[2.0, 0.0], [0.0, 1.0]])
    >>> nearest_impostor(nets.SingleFilterNet.gate(2), law, [1.0, 1.0], theta=0.1).round(6)
    array([1. , 0.9])
    """
    check_pair(net, law)
    check_finite(law)
    w_star = checks.array(w_star, "w_star", shape=(net.patches.shape[1],))
    theta = checks.number(theta, "theta", above=0.0)
    theory.best_m(net, law)  # refuses inputs that leave a direction unseen: an impostor there is free
    gram = net.mean_patch @ law.second_moment() @ net.mean_patch.T
    weakest = np.linalg.eigh(gram)[1][:, 0]
    weakest = weakest * -np.sign(weakest[np.argmax(np.abs(weakest))])
    X, truth = law.points(), net.predict(w_star, law.points())

    def needs(length):
        return np.abs(net.predict(w_star + length * weakest, X) - truth).max()

    low, high = 0.0, 1.0
    while needs(high) <= theta:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if needs(middle) <= theta else (low, middle)
    return w_star + low * weakest
