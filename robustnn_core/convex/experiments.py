"""What the pages on adversarial training call: data with boxes, decision boundaries, convex against gradient training."""

from dataclasses import dataclass

import numpy as np
from sklearn.datasets import load_breast_cancer

from robustnn_core import checks, images, streams
from robustnn_core.convex.cells import box
from robustnn_core.convex.gradient import attack_box, train_gradient
from robustnn_core.convex.patterns import Patterns
from robustnn_core.convex.robust import fit_robust, robust_linear, worst_case_loss

__all__ = ["METHODS", "Comparison", "boundary", "compare", "data", "gates", "plane", "robust_compare"]

METHODS = ("convex", "linear", "gd", "fgsm", "pgd")


@dataclass(frozen=True, eq=False)
class Comparison:
    """One seed of convex against gradient training; every dict is keyed by ``METHODS``.

    Attributes
    ----------
    clean, fgsm, pgd : dict of str -> float
        Accuracy on the test points, as they are and attacked.
    objective : dict of str -> float
        Certified upper bound of the worst hinge loss on the training points plus the penalty beta sum |u|: exact for "convex", "linear".
    reached : dict of str -> float
        The same with the loss an attack really reaches: a lower bound of the worst case.
    kept : int
        Patterns that survive the radius.
    nets : dict of str -> nets.ReLUSum
    lower_bound : float
        Certified lower bound of what the convex program can reach with these patterns.
    """

    clean: dict
    fgsm: dict
    pgd: dict
    objective: dict
    reached: dict
    kept: int
    nets: dict
    lower_bound: float


def plane(name, count, seed, *, separation=0.2):
    """Points of the square [-1, 1]^2 with a bias column, and labels.

    Parameters
    ----------
    name : {"random", "moons", "ring"}
        Separated points with random labels, two interlocking arcs, a disc inside a ring.
    count : int >= 2
    seed : int >= 0 or tuple of int
    separation : float
        "random": smallest l_inf distance of two points, so that boxes below half of it are disjoint.

    Examples
    --------
    >>> X, y = plane("random", 20, 0)
    >>> X.shape, bool(min(np.abs(a - b).max() for i, a in enumerate(X) for b in X[:i]) >= 0.2)
    ((20, 3), True)
    """
    checks.choice(name, "name", ("random", "moons", "ring"))
    count = checks.integer(count, "count", at_least=2)
    rng = streams.generator(seed)
    if name == "random":
        points = []
        for _ in range(100_000):
            point = rng.uniform(-1, 1, 2)
            if all(np.abs(point - other).max() >= separation for other in points):
                points.append(point)
            if len(points) == count:
                break
        else:
            raise ValueError(f"count = {count} points do not fit with separation = {separation}; lower one of them")
        Z, y = np.array(points), rng.choice([-1.0, 1.0], size=count)
    else:
        y = np.where(np.arange(count) % 2, 1.0, -1.0)
        turn = rng.uniform(0, np.pi if name == "moons" else 2 * np.pi, count)
        Z = np.c_[np.cos(turn), np.sin(turn)]
        if name == "moons":
            Z = 0.55 * np.where(y[:, None] > 0, Z, np.array([1.0, 0.4]) - Z) - np.array([0.27, 0.1])
            Z += 0.04 * rng.standard_normal(Z.shape)
        else:
            Z *= np.where(y > 0, rng.uniform(0, 0.45, count), rng.uniform(0.7, 0.95, count))[:, None]
    return np.c_[Z, np.ones(count)], y


def boundary(net, *, resolution=121, reach=1.1):
    """Scores of a net of the plane on a grid: ``(axis, scores)``, ``scores[row of x_2, column of x_1]``.

    Examples
    --------
    >>> from robustnn_core import nets
    >>> boundary(nets.ReLUSum([[1.0, 0.0, 0.0]], [1]), resolution=3, reach=1.0)[1][0]
    array([0., 0., 1.])
    """
    resolution = checks.integer(resolution, "resolution", at_least=2)
    axis = np.linspace(-reach, reach, resolution)
    first, second = np.meshgrid(axis, axis)
    return axis, net.predict(np.c_[first.ravel(), second.ravel(), np.ones(first.size)]).reshape(first.shape)


def data(name, n, seed):
    """``(X, y, X_test, y_test)``: features scaled to [0, 1], the bias appended, n random training points.

    Parameters
    ----------
    name : {"digits", "breast-cancer"}
        3 against 8, 64 pixels; 30 features scaled by the training points' range.

    Examples
    --------
    >>> [part.shape for part in data("digits", 40, 0)]
    [(40, 65), (40,), (317, 65), (317,)]
    """
    checks.choice(name, "name", ("digits", "breast-cancer"))
    if name == "digits":
        found = images.load("digits", pair=(3, 8))
        X, y = found.pixels / found.scale, found.y
    else:
        found = load_breast_cancer()
        X, y = found.data, np.where(found.target > 0, 1.0, -1.0)
    n = checks.integer(n, "n", at_least=2, at_most=len(X) - 1)
    order = streams.generator(seed).permutation(len(X))
    X, y = X[order], y[order]
    if name != "digits":
        low, high = X[:n].min(axis=0), X[:n].max(axis=0)
        X = (X - low) / np.where(high > low, high - low, 1.0)
    X = np.c_[X, np.ones(len(X))]
    return X[:n], y[:n], X[n:], y[n:]


def gates(X, count, seed, *, bias=None):
    """Distinct patterns of ``count`` gates.

    Parameters
    ----------
    X : array_like, shape (n, d)
    count : int >= 1
    seed : int >= 0 or tuple of int
    bias : int, optional
        Index of a column of ones. With it half of the gates are normal, half through the middle of two training
        points, and one sees every point. Without it all are normal.

    Examples
    --------
    >>> X, y = plane("ring", 20, 0)
    >>> gates(X, 30, 0, bias=-1).active.shape[0]
    20
    """
    X = checks.array(X, "X", shape=("n", "d"))
    if bias is not None and not (X[:, box(X, 1.0, bias=bias) == 0.0] == 1.0).all():
        raise ValueError(
            f"bias = {bias} is not a column of ones of X: no gate through the middle of two points; append one"
        )
    count = checks.integer(count, "count", at_least=1)
    rng = streams.generator(seed)
    n, d = X.shape
    A = rng.standard_normal((d, count))
    if bias is not None:
        for i in range(count // 2):
            a, b = rng.choice(n, size=2, replace=False)
            normal = X[a] - X[b]
            normal[bias] = -normal @ (X[a] + X[b]) / 2  # the difference of two points is 0 there
            A[:, i] = normal
        A[:, count // 2] = np.eye(d)[bias]
    active = X @ A >= 0
    _, first = np.unique(active, axis=1, return_index=True)
    first = np.sort(first)
    first = first[active[:, first].any(axis=0)]
    return Patterns(active[:, first], A[:, first])


def robust_compare(X, y, X_test, y_test, *, radius, bias, beta, patterns, width=48, steps=2000, seed=0):
    """Train five nets on (X, y) with the hinge loss and attack each on the test points.

    Parameters
    ----------
    X, y, X_test, y_test : array_like
    radius, bias
        See :func:`~robustnn_core.convex.box`; without a column of ones as bias there may be no linear control.
    beta : float > 0
    patterns : Patterns or int
        Or how many to draw by :func:`gates`.
    width, steps : int
        Of the nets trained by gradients.
    seed : int >= 0 or tuple of int

    Returns
    -------
    Comparison
    """
    own = streams.spawn(seed, 5)
    if not isinstance(patterns, Patterns):
        patterns = gates(X, patterns, own[0], bias=bias)
    where = {"radius": radius, "bias": bias}
    convex = fit_robust(X, y, patterns, beta=beta, **where)
    found = {"convex": convex.net, "linear": robust_linear(X, y, beta=beta, **where).net}
    for name, attack, s in zip(METHODS[2:], (None, "fgsm", "pgd"), own[1:4]):
        found[name] = train_gradient(X, y, width=width, beta=beta, attack=attack, **where, steps=steps, seed=s).net
    clean, fgsm, pgd, objective, reached = {}, {}, {}, {}, {}
    for name, net in found.items():
        clean[name] = _accuracy(net, X_test, y_test)
        fgsm[name] = _accuracy(net, attack_box(net, X_test, y_test, **where, method="fgsm"), y_test)
        pgd[name] = _accuracy(net, attack_box(net, X_test, y_test, **where, restarts=3, seed=own[4]), y_test)
        penalty = beta * np.sqrt((net.weights**2).sum(axis=1)).sum()
        objective[name] = float(worst_case_loss(net, X, y, **where).loss + penalty)
        met = attack_box(net, X, y, **where, restarts=3, seed=own[4])
        reached[name] = float(np.maximum(1 - y * net.predict(met), 0).mean() + penalty)
    return Comparison(clean, fgsm, pgd, objective, reached, int((~convex.screened).sum()), found, convex.lower_bound)


def compare(name, *, n, radius, beta=1e-3, patterns=60, width=48, steps=2000, seed=0):
    """:func:`robust_compare` on digits (3 against 8) or breast cancer, split by ``seed``.

    Examples
    --------
    >>> result = compare("digits", n=20, radius=0.05, patterns=6, steps=200, seed=0)
    >>> sorted(result.pgd) == sorted(METHODS), result.pgd["convex"] <= result.clean["convex"]
    (True, True)
    """
    split, own = streams.spawn(seed, 2)
    return robust_compare(
        *data(name, n, split), radius=radius, bias=-1, beta=beta, patterns=patterns, width=width, steps=steps, seed=own
    )


def _accuracy(net, X, y):
    return float(np.mean(np.sign(net.predict(X)) == y))
