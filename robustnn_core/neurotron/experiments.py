"""What the chapters call to get the numbers of one figure or table."""

from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_digits

from robustnn_core import checks, laws, moments, nets
from robustnn_core.neurotron import adversaries, theory
from robustnn_core.neurotron.inputs import check_direction, check_finite, check_m, check_pair
from robustnn_core.neurotron.training import train

__all__ = [
    "Confidence",
    "adversary_table",
    "confidence",
    "digits",
    "impostor_pair",
    "linear_second_moments",
    "measured_steps",
    "nearest_impostor",
    "paper_case_one",
    "planted_filter",
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
    net = nets.SingleFilterNet.convolution((8, 8), (kernel, kernel), stride, leak)
    return net, laws.Symmetrised(X - X.mean(axis=0))


def adversary_table(net, law, w_star, *, adversaries, etas, steps, **options):
    """Return the root mean square error at the end, for every adversary and every step size.

    Parameters
    ----------
    net, law, w_star
        As for :func:`~robustnn_core.neurotron.train`.
    adversaries : dict of name -> adversary
    etas : sequence of float > 0
    steps : int or sequence of int
        Updates, one number or one for each step size.
    **options
        Of ``train``: ``seed``, which has no default, ``repeats``, ``M``, ``start``, ``threads``.

    Returns
    -------
    dict of name -> ndarray, shape (len(etas),)

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron import adversaries, experiments
    >>> problem, none = (nets.SingleFilterNet.gate(2), laws.Gaussian(2), [1, 0]), {"none": adversaries.NoAttack()}
    >>> table = experiments.adversary_table(*problem, adversaries=none, etas=[0.1], steps=400, repeats=10, seed=0)
    >>> table["none"].max() < 1e-3
    np.True_
    """
    steps = np.broadcast_to(steps, len(etas))

    def rms(who, eta, T):
        return train(net, law, w_star, adversary=who, eta=eta, steps=int(T), records=2, **options).rms

    return {name: np.array([rms(who, eta, T) for eta, T in zip(etas, steps)]) for name, who in adversaries.items()}


def measured_steps(net, law, w_star, *, target, max_iter, **options):
    """Return the first t at which the mean square error over the repeats is at most ``target``.

    Counted as the theorems count: the start is t = 1.

    Parameters
    ----------
    net, law, w_star
        As for :func:`~robustnn_core.neurotron.train`.
    target : float > 0
    max_iter : int >= 1
        Updates that are made.
    **options
        Of ``train``: ``eta`` and ``seed``, which have no default, ``repeats``, ``adversary``, ``M``, ``start``.

    Raises
    ------
    ValueError
        ``max_iter`` updates do not get there.

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron import experiments
    >>> problem = nets.SingleFilterNet.gate(2), laws.Gaussian(2), [1, 0]
    >>> experiments.measured_steps(*problem, target=1e-2, max_iter=500, eta=0.1, repeats=50, seed=0)
    54
    """
    target = checks.number(target, "target", above=0.0)
    max_iter = checks.integer(max_iter, "max_iter", at_least=1)
    run = train(net, law, w_star, steps=max_iter, records=max_iter + 1, **options)
    reached = np.flatnonzero(run.trace.mean_square <= target)
    if len(reached) == 0:
        raise ValueError(
            f"max_iter = {max_iter} updates end at {run.trace.mean_square[-1]:.3g}, above target = {target}; allow more"
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


def confidence(net, law, w_star, schedule, *, eps, delta, **options):
    """Run a schedule to its T and compare with what it promised.

    Parameters
    ----------
    net, law, w_star
        As for :func:`~robustnn_core.neurotron.train`.
    schedule : schedules.Schedule
    eps, delta : float
        What the schedule was made for.
    **options
        Of ``train``: ``seed``, which has no default, ``repeats``, ``adversary``, ``M``, ``start``.

    Returns
    -------
    Confidence

    Examples
    --------
    >>> from robustnn_core import laws, nets, neurotron
    >>> net, law, goal = nets.SingleFilterNet.gate(2), laws.Gaussian(2), dict(eps=0.1, delta=0.1)
    >>> s = neurotron.realizable_schedule(neurotron.constants(net, law), Delta1=1.0, **goal)
    >>> neurotron.experiments.confidence(net, law, [1, 0], s, repeats=50, seed=0, **goal).measured
    1.0
    """
    run = train(net, law, w_star, eta=schedule.eta, steps=schedule.steps - 1, records=2, **options)
    measured = float(np.mean(run.errors <= eps))
    return Confidence(1 - delta, measured, run.rms**2, eps**2 * delta, len(run.errors))


def impostor_pair(w_star, *, theta, radius, direction):
    """Return the impostor at distance theta/radius from w*, shape (r,): its labels stay within theta on the sphere.

    Parameters
    ----------
    w_star : array_like, shape (r,)
    theta : float >= 0
    radius : float > 0
        Of the inputs.
    direction : array_like, shape (r,)
        From w* to the impostor; its length does not matter.

    Examples
    --------
    >>> from robustnn_core.neurotron.experiments import impostor_pair
    >>> impostor_pair([1.0, 0.0], theta=0.2, radius=2.0, direction=[0.0, 1.0])
    array([1. , 0.1])
    """
    w_star = checks.array(w_star, "w_star", shape=("r",))
    theta = checks.number(theta, "theta", at_least=0.0)
    radius = checks.number(radius, "radius", above=0.0)
    direction = check_direction(direction, len(w_star))
    return w_star + theta / radius * direction / np.linalg.norm(direction)


def paper_case_one(*, lam1, lam2, lam3, m4, leak, gamma):
    """Return ``(eta, kappa)`` of the paper's Case I, taken at its word, for the errata page.

    No hypothesis is checked: :func:`~robustnn_core.neurotron.schedules.realizable_schedule` is the one to use.

    Parameters
    ----------
    lam1, lam2, lam3, m4, leak, gamma : float
        The paper's symbols.

    Examples
    --------
    >>> from robustnn_core.neurotron.experiments import paper_case_one
    >>> eta, kappa = paper_case_one(lam1=1.0, lam2=1.0, lam3=1.0, m4=3.0, leak=-0.9, gamma=2.0)
    >>> round(eta, 4), round(kappa, 4)
    (1.6667, 0.9167)
    """
    scale = lam2**2 * lam3 * m4
    return lam1 / (gamma * (1 + leak) * lam2**2 * lam3 * m4), 1 - (gamma - 1) / gamma**2 * lam1**2 / scale


def linear_second_moments(M, e, *, eta, steps):
    r"""Return Delta_t exactly, for the linear gate (leak 1) with x ~ N(0, I) and any M: no Monte Carlo.

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


def planted_filter(side=4):
    """Return a smooth edge filter of length 1, to plant in images, shape (side * side,).

    Parameters
    ----------
    side : int >= 2

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
    r"""Return the fixed lie that costs Neuro-Tron the most for every M = G Abar: sign(u . C^{-1} Abar x).

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
    """Return the filter farthest from w* that an impostor can afford in the direction the data shows least.

    Its net differs from the true one by at most theta on all the points of the law.

    Parameters
    ----------
    net : nets.SingleFilterNet
    law : laws.Symmetrised
    w_star : array_like, shape (r,)
    theta : float > 0

    Returns
    -------
    ndarray, shape (r,)

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
