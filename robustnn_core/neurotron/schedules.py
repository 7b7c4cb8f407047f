"""Step sizes and iteration counts that the two theorems promise: theory only, no simulation."""

import math
from dataclasses import dataclass

from scipy.optimize import minimize_scalar

from robustnn_core import checks
from robustnn_core.neurotron.theory import Constants, check_constants, check_eta, check_leak, sharp_floor

__all__ = [
    "Schedule",
    "SignSchedule",
    "count_steps",
    "poisoned_schedule",
    "realizable_schedule",
    "sharp_schedule",
    "sign_constants",
    "sign_schedule",
]


@dataclass(frozen=True)
class Schedule:
    """A step size and how long to run it.

    Attributes
    ----------
    eta : float
        Step size.
    gamma : float
        The theorem's free parameter (nan for Theorem A', which has none).
    contraction : float
        Factor by which the bound on the excess over the floor shrinks at each step.
    steps : int
        The theorem's T. It counts the start w^(1), so the claim holds from T - 1 updates on.
    floor : float
        Bound on Delta_t as t grows.
    theta_max : float
        The attack theta* up to which the accuracy asked for is promised.
    """

    eta: float
    gamma: float
    contraction: float
    steps: int
    floor: float = 0.0
    theta_max: float = 0.0


def realizable_schedule(c, *, eps, delta, Delta1, gamma=2.0):
    r"""Case I of Theorem II.1: nobody attacks (theta = 0).

    :math:`\eta = \lambda_1/(\gamma(1+\alpha)\lambda_2^2\lambda_3 m_4)`,
    :math:`\kappa = 1 - \frac{\gamma-1}{\gamma^2}\frac{\lambda_1^2}{\lambda_2^2\lambda_3 m_4}`,
    :math:`T = 1 + \lceil \ln(\Delta_1/(\epsilon^2\delta)) / (-\ln\kappa) \rceil`.

    Parameters
    ----------
    c : Constants
    eps : float > 0
        Accuracy: \|w - w*\| <= eps ...
    delta : float in (0, 1)
        ... with probability at least 1 - delta.
    Delta1 : float > 0
        :math:`\Delta_1 = |w^{(1)} - w^*|^2`.
    gamma : float > 1
        2 gives the fewest steps.

    Raises
    ------
    ValueError
        A parameter out of range; lam1 <= 0; a leak outside [0, 1], where Lemma B.2 fails.

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron import constants, realizable_schedule
    >>> c = constants(nets.SingleFilterNet.gate(5), laws.Gaussian(5, 1.0))
    >>> realizable_schedule(c, eps=0.1, delta=0.01, Delta1=1.0).steps
    1286
    """
    check_constants(c)
    target = _target(eps, delta)
    Delta1 = checks.number(Delta1, "Delta1", above=0.0)
    gamma = checks.number(gamma, "gamma", above=1.0)
    check_leak(c)
    scale = c.lam2**2 * c.lam3 * c.m[3]
    kappa = 1 - (gamma - 1) / gamma**2 * c.lam1**2 / scale
    steps = count_steps(Delta1, target, kappa)
    return Schedule(eta=c.lam1 / (gamma * (1 + c.leak) * scale), gamma=gamma, contraction=kappa, steps=steps)


def poisoned_schedule(c, *, theta, eps, delta, Delta1, slack=1.2):
    r"""Case II of Theorem II.1: every label may be moved by up to theta.

    With :math:`b = m_1 c_\text{to}`, :math:`c_1 = (1+\alpha)^2\lambda_3(m_3+m_4)`,
    :math:`c_2 = \theta^2(m_2+m_3)`, :math:`c_3 = \theta^2 m_1`:
    :math:`\eta = b/(\gamma\lambda_2 c_1)`, floor
    :math:`\rho = (c_2/c_1 + \gamma c_3/b)/(\gamma-1)`, contraction
    :math:`A = 1 - (b^2/c_1)(\gamma-1)/\gamma^2`,
    :math:`T = 1 + \lceil \ln\frac{\Delta_1-\rho}{\epsilon^2\delta-\rho} / (-\ln A) \rceil`.

    Parameters
    ----------
    c : Constants
    theta : float > 0
        Below ``theta_max`` = theta*, with theta*^2 = eps^2 delta c_tradeoff.
    eps, delta : float
        Accuracy > 0 and failure probability in (0, 1).
    Delta1 : float
        :math:`\Delta_1`, above eps^2 delta.
    slack : float > 1
        gamma is ``slack`` times its lower bound.

    Raises
    ------
    ValueError
        A parameter out of range, lam1 <= 0, c_tradeoff <= 0 (the theorem is vacuous), theta >= theta*.

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron import constants, poisoned_schedule
    >>> c = constants(nets.SingleFilterNet.gate(2), laws.Gaussian(2, 4.0))
    >>> s = poisoned_schedule(c, theta=0.117, eps=0.5, delta=0.1, Delta1=1.0)
    >>> s.steps, round(s.theta_max, 4), round(1e3 * s.eta, 3)
    (380, 0.2341, 2.817)
    """
    check_constants(c)
    target = _target(eps, delta)
    theta = checks.number(theta, "theta", above=0.0, remedy="for theta = 0 use realizable_schedule")
    Delta1 = checks.number(Delta1, "Delta1", above=target, remedy="the start is already as good as eps^2 delta asks")
    slack = checks.number(slack, "slack", above=1.0)
    check_leak(c)
    if c.c_tradeoff <= 0:
        raise ValueError(
            f"c.c_tradeoff = {c.c_tradeoff:.4g} must be > 0 or Theorem II.1 is vacuous; "
            "rescale the inputs, or use sharp_schedule, which has no such condition"
        )
    theta_max = math.sqrt(target * c.c_tradeoff)
    checks.number(theta, "theta", below=theta_max, remedy="that is theta*; ask for a larger eps^2 delta")
    m1, m2, m3, m4 = c.m
    b, c1 = m1 * c.c_tradeoff, (1 + c.leak) ** 2 * c.lam3 * (m3 + m4)
    c2, c3 = theta**2 * (m2 + m3), theta**2 * m1
    gamma = slack * (target + c2 / c1) / (target - theta**2 / c.c_tradeoff)
    floor = (c2 / c1 + gamma * c3 / b) / (gamma - 1)
    contraction = 1 - b**2 / c1 * (gamma - 1) / gamma**2
    return Schedule(
        eta=b / (gamma * c.lam2 * c1),
        gamma=gamma,
        contraction=contraction,
        steps=count_steps(Delta1 - floor, target - floor, contraction),
        floor=floor,
        theta_max=theta_max,
    )


def sharp_schedule(c, *, eps, delta, Delta1, theta=0.0, eta=None):
    r"""Theorem A' as a recipe: a step and a T for \|w - w*\| <= eps with probability 1 - delta.

    Parameters
    ----------
    c : Constants
    eps, delta, Delta1 : float
        As in :func:`realizable_schedule`.
    theta : float >= 0
        Every label may be moved by up to theta; ``theta_max`` of the result is where the recipe ends.
    eta : float, optional
        The step; the one of the fewest steps when not given (a/(2Q) when theta = 0).

    Raises
    ------
    ValueError
        A parameter out of range, lam1 <= 0, or eps and delta finer than the floor 2 theta p/a allows.

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron import constants, sharp_schedule
    >>> c = constants(nets.SingleFilterNet.gate(20), laws.Gaussian(20, 1.0))
    >>> sharp_schedule(c, eps=0.1, delta=0.01, Delta1=1.0).steps
    402
    """
    check_constants(c)
    target = math.sqrt(_target(eps, delta))
    theta = checks.number(theta, "theta", at_least=0.0)
    Delta1 = checks.number(Delta1, "Delta1", above=0.0)
    theta_max = target * c.a / (2 * c.p)
    if theta >= theta_max:
        raise ValueError(
            f"theta = {theta} must be < {theta_max:.6g} for eps sqrt(delta) = {target:.4g}, "
            "because the floor 2 theta p/a cannot be undercut; ask for a larger eps or delta"
        )

    def plan(eta):
        if theta == 0.0:
            return count_steps(Delta1, target**2, 1 - eta * c.a + eta**2 * c.Q)
        floor = sharp_floor(c, theta=theta, eta=eta)
        if floor >= target:
            return math.inf
        return count_steps(math.sqrt(Delta1) - floor, target - floor, 1 - eta * (c.a - eta * c.Q) / 2)

    if eta is None:
        eta = c.best_eta
        if theta > 0.0:  # fewest steps: the count is unimodal in log eta between 0 and where R = target
            largest = _largest_eta(c, theta, target)
            search = minimize_scalar(lambda share: plan(share * largest), bounds=(1e-3, 0.999), method="bounded")
            eta = search.x * largest
    else:
        check_eta(c, eta)
    steps = plan(eta)
    floor = sharp_floor(c, theta=theta, eta=eta)
    if steps == math.inf:
        raise ValueError(f"eta = {eta} has floor {floor:.4g} >= eps sqrt(delta) = {target:.4g}; take a smaller step")
    rate = 1 - eta * (c.a - eta * c.Q) / (1 if theta == 0.0 else 2)
    return Schedule(eta=eta, gamma=math.nan, contraction=rate, steps=steps, floor=floor**2, theta_max=theta_max)


def _largest_eta(c, theta, target):
    """The step at which the floor R(eta) reaches ``target``, by bisection (R increases)."""
    low, high = 0.0, min(c.a / c.Q, c.best_eta)
    if sharp_floor(c, theta=theta, eta=high) < target:
        return high
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if sharp_floor(c, theta=theta, eta=middle) < target else (low, middle)
    return low


@dataclass(frozen=True)
class SignSchedule:
    """How the theorem of the signs runs: ``epochs`` of ``steps`` updates, each with half the step of the one before.

    Every epoch ends at one of its ``steps`` iterates, drawn uniformly, and halves the error.

    Attributes
    ----------
    eta : float
        Step of the first epoch.
    steps : int
        T: the iterates of an epoch, its start among them.
    epochs : int
    """

    eta: float
    steps: int
    epochs: int

    @property
    def etas(self):
        """The step of every epoch, a tuple."""
        return tuple(self.eta / 2**k for k in range(self.epochs))


def sign_schedule(constants, *, probability, delta, start, eps=None):
    r"""The theorem of :func:`~robustnn_core.neurotron.train_sign`: \|w - w*\| <= eps under lies of any size.

    With :math:`q = \inf_{|u|=1}E|u\cdot x|`, :math:`a = (1-2b)q`, :math:`B = E|x|^2/2` (both doubled with a leak) and
    delta shared out among k epochs: :math:`\eta = \delta Ra/(4Bk)` and :math:`T = \lceil 16Bk^2/(a\delta)^2\rceil`.
    On n normal inputs one epoch is :math:`T = 4\pi n/((1-2b)^2\delta^2)`.

    Parameters
    ----------
    constants : Constants
        Of a net of one patch A with M = A.
    probability : float in [0, 1/2)
        b: whatever has happened and whatever x is, the label is a lie with at most this probability.
    delta : float in (0, 1)
        The claim fails with at most this probability.
    start : float > 0
        R >= \|w - w*\| at the start.
    eps : float in (0, start), optional
        Accuracy; ``start / 2``, hence one epoch, when not given.

    Returns
    -------
    SignSchedule

    Raises
    ------
    ValueError
        A parameter out of range; a leak outside [0, 1]; inputs that leave a direction out, or of which no finite
        second moment is in sight.

    Notes
    -----
    Source: the book; no leak: any symmetric law; a leak in (0, 1]: any law at all.

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron import constants, sign_schedule
    >>> c = constants(nets.SingleFilterNet.gate(10), laws.Gaussian(10))
    >>> s = sign_schedule(c, probability=0.3, delta=0.1, start=1.5)
    >>> s.steps, s.epochs, round(s.eta, 5)  # 4 pi 10 / (.4 x .1)^2
    (78540, 1, 0.00239)
    >>> sign_schedule(c, probability=0.3, delta=0.1, start=1.5, eps=0.1).epochs
    4
    """
    a, B = sign_constants(constants, probability)
    delta = checks.number(delta, "delta", above=0.0, below=1.0)
    R = checks.number(start, "start", above=0.0)
    eps = R / 2 if eps is None else checks.number(eps, "eps", above=0.0, below=R, remedy="that is start")
    epochs = max(1, math.ceil(math.log2(R / eps)))
    share = delta / epochs
    return SignSchedule(eta=share * R * a / (4 * B), steps=math.ceil(16 * B / (a * share) ** 2), epochs=epochs)


def sign_constants(constants, probability):
    r"""Return the a and B of :func:`sign_schedule`: a step takes at least eta a \|e\| and adds at most eta^2 B.

    Parameters
    ----------
    constants : Constants
    probability : float in [0, 1/2)

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron import constants
    >>> from robustnn_core.neurotron.schedules import sign_constants
    >>> a, B = sign_constants(constants(nets.SingleFilterNet.gate(4), laws.Gaussian(4)), 0.25)
    >>> round(a, 4), B  # sqrt(2 / pi) / 2
    (0.3989, 2.0)
    """
    c = constants
    if not isinstance(c, Constants):
        raise ValueError(f"constants = {c!r} must be what constants(net, law) returns")
    b = checks.number(
        probability, "probability", at_least=0.0, below=0.5, remedy="with half of the labels the liar is never outvoted"
    )
    checks.number(c.leak, "constants.leak", at_least=0.0, at_most=1.0)
    error = c.standard_error.get("V", 0.0)
    if not error <= 0.1 * c.V:
        raise ValueError(
            f"constants.V = {c.V:.4g} has standard error {error:.2g}: no finite E|x|^2 is in sight, and without one "
            "a single input may throw the learner any distance; give more draws, or inputs with lighter tails"
        )
    if c.least <= 0:
        raise ValueError(
            f"constants.least = {c.least:.4g} must be > 0: there is a direction in which the inputs never move; "
            "leave out what is constant or repeated among them"
        )
    terms = 1 if c.leak == 0 else 2
    return terms * (1 - 2 * b) * c.least, terms * c.V / 2


def count_steps(start, target, contraction):
    """Return the theorems' T, 1 + ceil(ln(start/target) / -ln(contraction)); 1 if the start is good enough.

    Examples
    --------
    >>> from robustnn_core.neurotron.schedules import count_steps
    >>> count_steps(1.0, 0.1, 0.5)  # 1, 1/2, 1/4, 1/8, 1/16
    5
    """
    if start <= target:
        return 1
    return 1 + math.ceil(math.log(start / target) / -math.log(contraction))


def _target(eps, delta):
    return checks.number(eps, "eps", above=0.0) ** 2 * checks.number(delta, "delta", above=0.0, below=1.0)
