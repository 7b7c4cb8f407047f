"""What the chapters call to get the numbers of one figure or table."""

from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_digits

from robustnn_core import checks, laws, nets, streams
from robustnn_core.neurotron import theory
from robustnn_core.neurotron.algorithm import train

__all__ = [
    "Confidence",
    "adversary_table",
    "confidence",
    "digits",
    "impostor_pair",
    "linear_second_moments",
    "measured_steps",
    "paper_case_one",
    "sgd_errors",
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
    >>> net, law = digits()
    >>> net.patches.shape, law.X.shape
    ((4, 16, 64), (1797, 64))
    """
    X = load_digits().data / 16
    return nets.SingleFilterNet.convolution((8, 8), (kernel, kernel), stride, leak), laws.Symmetrised(X - X.mean(axis=0))


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
    >>> from robustnn_core.neurotron import adversaries as a
    >>> table = adversary_table(nets.SingleFilterNet.gate(2), laws.Gaussian(2), [1, 0], seed=0, repeats=10,
    ...                         adversaries={"none": a.NoAttack()}, etas=[0.1], steps=400)
    >>> table["none"].max() < 1e-3
    np.True_
    """
    steps = np.broadcast_to(steps, len(etas))
    return {
        name: np.array([
            train(net, law, w_star, adversary=who, eta=eta, steps=int(T), repeats=repeats, seed=seed, M=M, start=start, records=2).rms
            for eta, T in zip(etas, steps)
        ])
        for name, who in adversaries.items()
    }  # fmt: skip


def measured_steps(net, law, w_star, *, eta, target, most, repeats, seed, adversary=None, M=None, start=None):
    """The first t at which the mean square error over the repeats is at most ``target``.

    Counted as the theorems count: the start is t = 1. Raises ValueError if ``most`` updates do not get there.

    Examples
    --------
    >>> measured_steps(nets.SingleFilterNet.gate(2), laws.Gaussian(2), [1, 0], eta=0.1, target=1e-2, most=500, repeats=50, seed=0)
    54
    """
    run = train(net, law, w_star, adversary=adversary, eta=eta, steps=most, repeats=repeats, seed=seed, M=M, start=start, records=most + 1)
    reached = np.flatnonzero(run.trace.mean_square <= target)
    if len(reached) == 0:
        raise ValueError(f"most = {most} updates end at {run.trace.mean_square[-1]:.3g}, above target = {target}; allow more")
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
    >>> net, law = nets.SingleFilterNet.gate(2), laws.Gaussian(2)
    >>> s = theory.realizable_schedule(theory.constants(net, law), eps=0.1, delta=0.1, start=1.0)
    >>> confidence(net, law, [1, 0], s, eps=0.1, delta=0.1, repeats=50, seed=0).measured
    1.0
    """
    run = train(net, law, w_star, adversary=adversary, eta=schedule.eta, steps=schedule.steps - 1, repeats=repeats, seed=seed, M=M, start=start, records=2)
    return Confidence(1 - delta, float(np.mean(run.errors <= eps)), run.rms**2, eps**2 * delta, repeats)


def impostor_pair(w_star, *, theta, radius, direction):
    """The impostor at distance theta/radius from w*: its labels stay within theta on the sphere.

    Examples
    --------
    >>> impostor_pair([1.0, 0.0], theta=0.2, radius=2.0, direction=[0.0, 1.0])
    array([1. , 0.1])
    """
    w_star = checks.array(w_star, "w_star", shape=("r",))
    direction = checks.array(direction, "direction", shape=w_star.shape)
    return w_star + checks.number(theta, "theta", at_least=0.0) / checks.number(radius, "radius", above=0.0) * direction / np.linalg.norm(direction)


def paper_case_one(*, lam1, lam2, lam3, m4, leak, gamma):
    """The paper's eta and kappa of Case I, taken at its word, for the errata page: ``(eta, kappa)``.

    No hypothesis is checked: :func:`theory.realizable_schedule` is the one to use.

    Examples
    --------
    >>> eta, kappa = paper_case_one(lam1=1.0, lam2=1.0, lam3=1.0, m4=3.0, leak=-0.9, gamma=2.0)
    >>> round(eta, 4), round(kappa, 4)
    (1.6667, 0.9167)
    """
    return lam1 / (gamma * (1 + leak) * lam2**2 * lam3 * m4), 1 - (gamma - 1) / gamma**2 * lam1**2 / (lam2**2 * lam3 * m4)


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
    >>> linear_second_moments(np.eye(2), [1.0, 0.0], eta=0.1, steps=1)
    array([1.  , 0.84])
    """
    e = checks.array(e, "e", shape=("n",))
    n = len(e)
    M = checks.array(M, "M", shape=(n, n))
    eta = checks.number(eta, "eta", above=0.0)
    S, delta = np.outer(e, e), np.empty(checks.integer(steps, "steps", at_least=0) + 1)
    for t in range(steps + 1):
        delta[t] = np.trace(S)
        S = S - eta * (S @ M.T + M @ S) + eta**2 * M @ (np.trace(S) * np.eye(n) + 2 * S) @ M.T
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
    >>> times, errors = sgd_errors(laws.Gaussian(2), [1.0, 0.0], theta=0.0, eta=0.1, steps=500, repeats=5, seed=0, start=[0.5, 0.5])
    >>> errors[-1].max() < 1e-6
    np.True_
    """
    w_star = checks.array(w_star, "w_star", shape=(law.n,))
    rng = streams.generator(seed)
    w = np.tile(np.zeros(law.n) if start is None else checks.array(start, "start", shape=(law.n,)), (repeats, 1))
    times = np.unique(np.linspace(0, steps, min(records, steps + 1)).round().astype(int))
    errors = []
    for t in range(steps + 1):
        if t in times:
            errors.append(np.linalg.norm(w - w_star, axis=1))
        X = law.sample(rng, repeats)
        z = (w * X).sum(axis=1)
        xi = theta * np.where(((w - w_star) * X).sum(axis=1) >= 0, 1.0, -1.0)
        residual = np.maximum(X @ w_star, 0) + xi - np.maximum(z, 0)
        w = w + eta * (residual * (z > 0))[:, None] * X
    return times, np.array(errors)
