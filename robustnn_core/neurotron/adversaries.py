r"""Adversaries for Neuro-Tron: who moves the label y = f(x) + xi, and by how much (\|xi\| <= theta).

An adversary may look at the input, at the true filter and at the learner's present weights. It never
sees a future input.

A user's own adversary is a Numba function ``attack(x, mx, w, w_star, clean, theta, coin)`` returning xi:

====================  =====================================================
``x`` (n,)            the input
``mx`` (r,)           M x
``w``, ``w_star``     the learner's and the true filter, (r,)
``clean``             the true label, f at w_star
``theta``             the budget
``coin``              a private uniform number in [0, 1)
====================  =====================================================

The arrays are copies, good for one call: an adversary moves labels and nothing else.
"""

from dataclasses import dataclass

import numpy as np

from robustnn_core import checks

__all__ = [
    "Adversary",
    "Compiled",
    "Constant",
    "FixedLie",
    "Greedy",
    "Impostor",
    "NoAttack",
    "RandomSign",
    "WithProbability",
]

# What the kernel branches on.
NONE, CONSTANT, RANDOM_SIGN, GREEDY, FIXED_LIE, IMPOSTOR, COMPILED = range(7)


class Adversary:
    """Base of the adversaries; ``theta`` is the budget on \\|xi\\|, inf if only the law bounds it."""

    code = NONE
    theta = 0.0
    probability = 1.0
    w_adv = None
    function = None


@dataclass(frozen=True)
class NoAttack(Adversary):
    """Faithful labels.

    Examples
    --------
    >>> from robustnn_core.neurotron.adversaries import NoAttack
    >>> NoAttack().theta
    0.0
    """


@dataclass(frozen=True)
class _Budgeted(Adversary):
    theta: float

    def __post_init__(self):
        object.__setattr__(self, "theta", checks.number(self.theta, "theta", at_least=0.0))


@dataclass(frozen=True)
class Constant(_Budgeted):
    """xi = theta, always.

    Examples
    --------
    >>> from robustnn_core.neurotron.adversaries import Constant
    >>> Constant(0.1)
    Constant(theta=0.1)
    """

    code = CONSTANT


@dataclass(frozen=True)
class RandomSign(_Budgeted):
    """xi = +theta or -theta by a fair coin, independent of everything.

    Examples
    --------
    >>> from robustnn_core.neurotron.adversaries import RandomSign
    >>> RandomSign(0.1)
    RandomSign(theta=0.1)
    """

    code = RANDOM_SIGN


@dataclass(frozen=True)
class Greedy(_Budgeted):
    """xi = theta sign((w - w*) . Mx): pushes every step away from w*. It reaches the floor of Theorem A'.

    Examples
    --------
    >>> from robustnn_core.neurotron.adversaries import Greedy
    >>> Greedy(0.1)
    Greedy(theta=0.1)
    """

    code = GREEDY


@dataclass(frozen=True, eq=False)
class FixedLie(Adversary):
    """xi = theta sign(direction . Mx): a function of the input alone, blind to the learner.

    No choice of M = G Abar protects against the worst of them (the book, *A sharper theorem*, the best M).

    Parameters
    ----------
    direction : array_like, shape (r,)
    theta : float >= 0

    Examples
    --------
    >>> from robustnn_core.neurotron.adversaries import FixedLie
    >>> FixedLie([1.0, 0.0], 0.1).theta
    0.1
    """

    direction: np.ndarray
    theta: float
    code = FIXED_LIE

    def __post_init__(self):
        object.__setattr__(self, "direction", checks.array(self.direction, "direction", shape=("r",)))
        object.__setattr__(self, "theta", checks.number(self.theta, "theta", at_least=0.0))

    @property
    def w_adv(self):
        return self.direction


@dataclass(frozen=True, eq=False)
class Impostor(Adversary):
    """Answers as if the true filter were ``w_adv``: the labels are those of another net, exactly.

    Parameters
    ----------
    w_adv : array_like, shape (r,)
    theta : float, optional
        Budget; an answer that needs more is caught. Without it the law of the inputs alone bounds the
        attack (on a set of radius rho, by rho |w_adv - w*| for a single gate with leak in [-1, 1]).

    Examples
    --------
    >>> from robustnn_core.neurotron.adversaries import Impostor
    >>> Impostor([1.0, 0.0]).theta
    inf
    """

    w_adv: np.ndarray
    theta: float = np.inf
    code = IMPOSTOR

    def __post_init__(self):
        object.__setattr__(self, "w_adv", checks.array(self.w_adv, "w_adv", shape=("r",)))
        if self.theta != np.inf:
            object.__setattr__(self, "theta", checks.number(self.theta, "theta", at_least=0.0))


@dataclass(frozen=True, eq=False)
class Compiled(Adversary):
    """A user's own Numba function (see the module's docstring), held to its budget at every label.

    Parameters
    ----------
    function : numba.njit function of (x, mx, w, w_star, clean, theta, coin)
    theta : float >= 0

    Raises
    ------
    ValueError
        ``function`` is not compiled by Numba.

    Examples
    --------
    >>> from robustnn_core.neurotron.adversaries import Compiled
    >>> import numba
    >>> @numba.njit
    ... def shrink(x, mx, w, w_star, clean, theta, coin):
    ...     return -min(theta, clean)
    >>> Compiled(shrink, 0.1).theta
    0.1
    """

    function: object
    theta: float
    code = COMPILED

    def __post_init__(self):
        if not hasattr(self.function, "py_func"):
            raise ValueError(f"function = {self.function!r} must be compiled: decorate it with numba.njit")
        object.__setattr__(self, "theta", checks.number(self.theta, "theta", at_least=0.0))


@dataclass(frozen=True, eq=False)
class WithProbability(Adversary):
    """Lets ``adversary`` act on a label with the given probability, by an independent coin.

    For a probability beta(x) that depends on the input, write it into a :class:`Compiled` adversary
    (``coin`` is there for that).

    Examples
    --------
    >>> from robustnn_core.neurotron.adversaries import Greedy, WithProbability
    >>> WithProbability(Greedy(0.2), 0.25).theta
    0.2
    """

    adversary: Adversary
    probability: float

    def __post_init__(self):
        if not isinstance(self.adversary, Adversary) or isinstance(self.adversary, WithProbability):
            raise ValueError(f"adversary = {self.adversary!r} must be one of the other adversaries")
        object.__setattr__(self, "probability", checks.fraction(self.probability, "probability"))

    @property
    def theta(self):
        return self.adversary.theta

    @property
    def code(self):
        return self.adversary.code

    @property
    def w_adv(self):
        return self.adversary.w_adv

    @property
    def function(self):
        return self.adversary.function
