"""Who spoils the data: perturbations along the first net's normal, and the mislabelled sets made of them."""

from dataclasses import dataclass

import numpy as np

from robustnn_core import attacks, checks, streams

__all__ = ["AdversarialSet", "adversarial_set", "perturb"]


@dataclass(frozen=True, eq=False)
class AdversarialSet:
    """What the second net is trained on.

    Attributes
    ----------
    X : ndarray, shape (N_adv, d)
        ``base + eta``.
    y : ndarray, shape (N_adv,)
        The false labels, +-1.
    base, eta : ndarray, shape (N_adv, d)
        The points before the perturbation, and the perturbations.
    """

    base: np.ndarray
    eta: np.ndarray
    y: np.ndarray

    @property
    def X(self):
        return self.base + self.eta


def perturb(X, labels, *, direction, eps, norm="l2", size=1.0):
    r"""Return :math:`x_n + \eta_n` with :math:`\eta_n` the steepest move towards ``labels`` that the budget allows.

    With w the direction and y the labels: "l2" :math:`\epsilon\, y_n w/|w|`;
    "linf" :math:`\epsilon\, y_n\,\mathrm{sgn}\, w`; "l0" moves the ``eps`` coordinates of largest :math:`|w_i|` by
    :math:`\text{size}\cdot y_n\,\mathrm{sgn}\, w_i`. Each maximises :math:`y_n\langle w, \eta_n\rangle`.

    Parameters
    ----------
    X : array_like, shape (N, d)
    labels : array_like, shape (N,)
        The labels (+-1) to move towards.
    direction : array_like, shape (d,)
        :math:`w = \sum_n\lambda_ny_nx_n`, the normal of f's boundary; not 0.
    eps : float >= 0
        For "l0" an integer: how many coordinates move.
    norm : {"l2", "linf", "l0"}
    size : float > 0
        For "l0": how far.

    Returns
    -------
    ndarray, shape (N, d)

    Raises
    ------
    ValueError
        A direction of 0, labels not +-1, a negative eps.

    Examples
    --------
    >>> from robustnn_core.perturbations import perturb
    >>> perturb([[0.0, 0.0]], [-1], direction=[3.0, 4.0], eps=1.0)
    array([[-0.6, -0.8]])
    >>> perturb([[0.0, 0.0]], [-1], direction=[3.0, 4.0], eps=1, norm="l0")
    array([[ 0., -1.]])
    """
    X = checks.array(X, "X", shape=("N", "d"))
    labels = checks.signs(labels, "labels", length=len(X))
    direction = checks.array(direction, "direction", shape=(X.shape[1],))
    if not direction.any():
        raise ValueError("direction is 0, so there is nowhere to move; give the normal of the net's boundary")
    return X + labels[:, None] * attacks.steepest(direction[None], eps=eps, norm=norm, size=size)


def adversarial_set(X, y, *, direction, eps, base="natural", labels="random", n=None, norm="l2", size=1.0, seed):
    r"""Make the second net's data: wrong labels, and the perturbations that the first net's normal asks for.

    Parameters
    ----------
    X, y : array_like, shape (N, d) and (N,)
        The first net's data.
    direction, eps, norm, size
        As in :func:`perturb`.
    base : {"natural", "noise", "gaussian"}
        Perturb the data itself, or ``n`` points of noise: uniform in :math:`[-1, 1]^d`, or normal.
    labels : {"random", "deterministic"}
        Half of each sign in random order, or -y (for the natural base only).
    n : int, optional
        N_adv, for the noise bases; N when not given.
    seed : int >= 0, tuple of int, or numpy Generator

    Returns
    -------
    AdversarialSet

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.perturbations import adversarial_set
    >>> w = [1.0, 1.0, -1.0]
    >>> adv = adversarial_set(np.eye(3), [1, 1, -1], direction=w, eps=0.1, labels="deterministic", seed=0)
    >>> adv.y, adv.X[0].round(3)
    (array([-1., -1.,  1.]), array([ 0.942, -0.058,  0.058]))
    """
    X = checks.array(X, "X", shape=("N", "d"))
    y = checks.signs(y, "y", length=len(X))
    checks.choice(base, "base", ("natural", "noise", "gaussian"))
    checks.choice(labels, "labels", ("random", "deterministic"))
    rng = streams.generator(seed)
    if base == "natural":
        if n is not None and n != len(X):
            raise ValueError(f"n = {n} must be left out for the natural base, which has the {len(X)} points of X")
        points = X
    else:
        if labels == "deterministic":
            raise ValueError(
                "labels = 'deterministic' flips the labels of X and needs base = 'natural'; noise has none"
            )
        shape = (len(X) if n is None else checks.integer(n, "n", at_least=1), X.shape[1])
        points = rng.uniform(-1, 1, size=shape) if base == "noise" else rng.standard_normal(shape)
    wrong = -y if labels == "deterministic" else balanced_signs(rng, len(points))
    moved = perturb(points, wrong, direction=direction, eps=eps, norm=norm, size=size)
    return AdversarialSet(base=points, eta=moved - points, y=wrong)


def balanced_signs(rng, n):
    """Half +1, half -1 (one more of a random sign if ``n`` is odd), in random order: shape (n,)."""
    values = np.repeat([1.0, -1.0], n // 2)
    if n % 2:
        values = np.append(values, rng.choice([1.0, -1.0]))
    return rng.permutation(values)
