"""Data to train on: points of the plane, labels of a noisy teacher, digits and breast cancer."""

import numpy as np
from sklearn.datasets import load_breast_cancer

from robustnn_core import checks, images, streams
from robustnn_core.convex import losses
from robustnn_core.convex.patterns import sample_patterns

__all__ = ["data", "plane", "problem"]


def problem(n, d, count, *, loss="squared", seed):
    """Return X with a bias column, labels of three noisy units (their signs for a classifier), ``count`` patterns.

    Examples
    --------
    >>> from robustnn_core.convex.datasets import problem
    >>> X, y, patterns = problem(30, 4, 8, loss="hinge", seed=0)
    >>> X.shape, sorted(set(y.tolist())), patterns.count
    ((30, 4), [-1.0, 1.0], 8)
    """
    n, d = checks.integer(n, "n", at_least=2), checks.integer(d, "d", at_least=2)
    count = checks.integer(count, "count", at_least=1)
    loss = losses.get(loss)
    rng = streams.generator(seed)
    X = np.column_stack([rng.standard_normal((n, d - 1)), np.ones(n)])
    y = np.maximum(X @ rng.standard_normal((d, 3)), 0.0) @ np.array([1.0, -1.0, 0.5]) / np.sqrt(
        d
    ) + 0.1 * rng.standard_normal(n)
    if loss.labels:
        y = np.where(y > np.median(y), 1.0, -1.0)
    patterns = sample_patterns(X, 2 * count, seed=seed)
    if patterns.count < count:
        raise ValueError(
            f"count = {count}: {2 * count} draws made only {patterns.count} patterns; ask for fewer or take a larger n"
        )
    return X, y, patterns.take(np.arange(count))


def plane(name, n, seed, *, separation=0.2):
    """Points of the square [-1, 1]^2 with a bias column, and labels.

    Parameters
    ----------
    name : {"random", "moons", "ring"}
        Separated points with random labels, two interlocking arcs, a disc inside a ring.
    n : int >= 2
    seed : int, tuple or numpy Generator
    separation : float
        "random": smallest l_inf distance of two points, so that boxes below half of it are disjoint.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.convex.datasets import plane
    >>> X, y = plane("random", 20, 0)
    >>> X.shape, bool(min(np.abs(a - b).max() for i, a in enumerate(X) for b in X[:i]) >= 0.2)
    ((20, 3), True)
    """
    checks.choice(name, "name", ("random", "moons", "ring"))
    n = checks.integer(n, "n", at_least=2)
    rng = streams.generator(seed)
    if name == "random":
        points = []
        for _ in range(100_000):
            point = rng.uniform(-1, 1, 2)
            if all(np.abs(point - other).max() >= separation for other in points):
                points.append(point)
            if len(points) == n:
                break
        else:
            raise ValueError(f"n = {n} points do not fit with separation = {separation}; lower one of them")
        Z, y = np.array(points), rng.choice([-1.0, 1.0], size=n)
    else:
        y = np.where(np.arange(n) % 2, 1.0, -1.0)
        turn = rng.uniform(0, np.pi if name == "moons" else 2 * np.pi, n)
        Z = np.c_[np.cos(turn), np.sin(turn)]
        if name == "moons":
            Z = 0.55 * np.where(y[:, None] > 0, Z, np.array([1.0, 0.4]) - Z) - np.array([0.27, 0.1])
            Z += 0.04 * rng.standard_normal(Z.shape)
        else:
            Z *= np.where(y > 0, rng.uniform(0, 0.45, n), rng.uniform(0.7, 0.95, n))[:, None]
    return np.c_[Z, np.ones(n)], y


def data(name, n, seed):
    """``(X, y, X_test, y_test)``: features scaled to [0, 1], the bias appended, n random training points.

    Parameters
    ----------
    name : {"digits", "breast-cancer"}
        3 against 8, 64 pixels; 30 features scaled by the training points' range.

    Examples
    --------
    >>> from robustnn_core.convex.datasets import data
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
