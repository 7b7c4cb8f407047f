"""What a chapter calls to get one figure: descents step by step, side by side, and the plane they are drawn in."""

import time
import warnings

import numpy as np

from robustnn_core import checks, figures, nets, streams
from robustnn_core.breakdown import _lifted, _majoriser, adversaries
from robustnn_core.breakdown.curves import NETS

__all__ = ["compare_descents", "descent_path", "draw_plane", "minimise_majoriser", "same_first_step"]


def descent_path(method, X, y, *, signs, keep, start, steps):
    """The fits after 0, 1, ..., ``steps`` steps of one descent, for a page that draws them one by one.

    Parameters
    ----------
    method : {"partition", "dc"}
    X : array_like, shape (n, d)
    y : array_like, shape (n,)
    signs : array_like, shape (K,)
    keep : int, or float share in (0, 1]
    start : array_like, shape (K, d)
    steps : int
        After the descent has ended the last fit is repeated.

    Returns
    -------
    list of (nets.ReLUSum, ndarray of bool, float)
        Net, kept points and F_h.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core import streams
    >>> from robustnn_core.breakdown.experiments import descent_path
    >>> X = streams.generator(0).standard_normal((30, 2))
    >>> path = descent_path("dc", X, np.maximum(X[:, 0], 0.0), signs=[1], keep=24, start=[[1.0, 1.0]], steps=5)
    >>> len(path), bool(path[-1][2] <= path[0][2])
    (6, True)
    """
    fit = NETS[checks.choice(method, "method", tuple(NETS))]
    y = checks.array(y, "y", shape=("n",))
    keep = checks.count(keep, "keep", of=y.size)
    begin = nets.ReLUSum(start, signs)
    loss = (y - begin.predict(X)) ** 2
    kept = np.zeros(y.size, np.bool_)
    kept[np.argsort(loss, kind="stable")[:keep]] = True
    path = [(begin, kept, float(loss[kept].sum()))]
    for t in range(1, checks.integer(steps, "steps", at_least=1) + 1):
        with warnings.catch_warnings():  # the path is cut short on purpose
            warnings.simplefilter("ignore", checks.ConvergenceWarning)
            result = fit(X, y, signs=signs, keep=keep, start=begin.weights[None], seed=0, max_iter=t)
        path.append((result.net, result.kept, result.objective))
    return path


def minimise_majoriser(X, y, net, *, max_inner=100, safeguard=True):
    """Minimise the DC majoriser Maj(. | U) of the loss on all points, from U.

    Parameters
    ----------
    X : array_like, shape (n, d)
    y : array_like, shape (n,)
    net : nets.ReLUSum
        U.
    max_inner : int >= 1
        Bound on the Newton steps.
    safeguard : bool
        ``False``: plain Newton steps with an exact line search, which can stop on a kink that is not a minimum.

    Returns
    -------
    nets.ReLUSum, float
        The minimiser and Maj there.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core import nets, streams
    >>> from robustnn_core.breakdown.experiments import minimise_majoriser
    >>> X = streams.generator(0).standard_normal((30, 2))
    >>> y = np.maximum(X[:, 0], 0.0)
    >>> net, value = minimise_majoriser(X, y, nets.ReLUSum([[1.0, 0.5]], [1]))
    >>> bool(value < np.sum((y - np.maximum(X @ [1.0, 0.5], 0)) ** 2))
    True
    """
    X = checks.array(X, "X", shape=("n", net.weights.shape[1]))
    y = checks.array(y, "y", shape=(len(X),))
    V = net.weights.copy()
    max_inner = checks.integer(max_inner, "max_inner", at_least=1)
    work = _lifted.work_arrays(X.shape[1], net.signs.size)
    value, finished = _majoriser.minimise(
        X, y, net.signs, np.ones(len(X), np.bool_), X @ V.T > 0, V, 1e-12, max_inner, *work, bool(safeguard)
    )
    if not finished:
        checks.warn_unconverged(
            "minimise_majoriser",
            f"Maj = {value:.6g} after {max_inner} Newton steps",
            "a step that gains nothing",
            "raise max_inner",
        )
    return nets.ReLUSum(V, net.signs), float(value)


def draw_plane(ax, points, net, kept, touched, *, truth):
    """Draw the plane cut by a net's units: kinks and shaded active sides, true kinks dashed, data by fate.

    Kept points are dots, trimmed ones crosses; corrupted ones in the second colour, as squares if kept.

    Parameters
    ----------
    ax : matplotlib Axes
    points : array_like, shape (n, 3)
        Inputs in [-1, 1]^2 and a last entry 1.
    net, truth : nets.ReLUSum with d = 3
    kept, touched : ndarray of bool, shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core import figures, nets
    >>> from robustnn_core.breakdown.experiments import draw_plane
    >>> fig, ax = figures.subplots()
    >>> net, none = nets.ReLUSum([[1.0, 0.0, 0.1]], [1]), np.zeros(2, bool)
    >>> draw_plane(ax, [[0.5, 0.5, 1.0], [-0.5, 0.0, 1.0]], net, ~none, none, truth=net)
    >>> bool(np.allclose(ax.get_xlim(), 1.05 * np.array([-1, 1])))
    True
    """
    points = checks.array(points, "points", shape=("n", 3))
    corner = np.array([-1.05, 1.05])
    across, up = np.meshgrid(corner, corner)
    for model, dashes in ((truth, "--"), (net, "-")):
        for (a, b, c), colour in zip(model.weights, (c for c in figures.PALETTE if c != figures.PALETTE[1])):
            height = a * across + b * up + c
            if height.min() < 0.0 < height.max():
                if model is net:
                    ax.contourf(across, up, height, [0.0, np.inf], colors=[colour], alpha=0.13)
                ax.contour(
                    across, up, height, [0.0], linestyles=dashes, colors=[figures.NEUTRAL if model is truth else colour]
                )
    fates = (
        (kept & ~touched, "o", 11, figures.NEUTRAL),
        (~kept & ~touched, "x", 16, figures.NEUTRAL),
        (kept & touched, "s", 24, figures.PALETTE[1]),
        (~kept & touched, "X", 24, figures.PALETTE[1]),
    )
    for group, marker, size, colour in fates:
        ax.scatter(*points[group, :2].T, marker=marker, s=size, color=colour, linewidth=0.9)
    ax.set(xlim=corner, ylim=corner, aspect="equal", xlabel="x, first coordinate", ylabel="x, second coordinate")


def same_first_step(X, y, *, signs, keep, start):
    """Does the first full step of partition training stay in its cell, and is it the first step of DC training?

    Parameters
    ----------
    X : array_like, shape (n, d)
    y : array_like, shape (n,)
    signs : array_like, shape (K,)
    keep : int, or float share in (0, 1]
    start : array_like, shape (K, d)

    Returns
    -------
    in_cell, same : bool

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core import streams
    >>> from robustnn_core.breakdown.experiments import same_first_step
    >>> X = streams.generator(0).standard_normal((40, 2))
    >>> same_first_step(X, np.maximum(X[:, 0], 0.0), signs=[1], keep=30, start=[[1.0, 1e-6]])
    (True, True)
    """
    (begin, kept, _), (left, *_) = descent_path("partition", X, y, signs=signs, keep=keep, start=start, steps=1)
    right = descent_path("dc", X, y, signs=signs, keep=keep, start=start, steps=1)[1][0]
    before, after = (np.asarray(X)[kept] @ net.weights.T > 0 for net in (begin, left))
    return bool((before == after).all()), bool(np.allclose(left.weights, right.weights, atol=1e-8))


def compare_descents(problem, *, fraction, noise, draws, starts, seed):
    """Partition and DC training from the same random starts under the active-half adversary.

    Parameters
    ----------
    problem : NetProblem
    fraction : float
        Corrupted.
    noise : float
        Standard deviation of the noise on all labels.
    draws, starts : int
        Data sets, and starts on each.
    seed : int >= 0 or anything :func:`robustnn_core.streams.spawn` takes

    Returns
    -------
    dict of str -> dict
        For "partition" and "dc": "objective", "seconds" and "error" (relative, on the design), each of shape
        (draws * starts,).

    Examples
    --------
    >>> from robustnn_core.breakdown import NetProblem
    >>> from robustnn_core.breakdown.experiments import compare_descents
    >>> both = compare_descents(NetProblem(60, 2), fraction=0.1, noise=0.0, draws=1, starts=2, seed=0)
    >>> both["dc"]["error"].shape
    (2,)
    """
    K, d = len(problem.signs), problem.d
    rows = {name: [] for name in NETS}
    for draw in streams.spawn(seed, draws):
        X, net = problem.draw(draw)
        truth, rng = net.predict(X), streams.generator(streams.spawn(draw, 1)[0])
        y = truth + noise * rng.standard_normal(truth.size)
        y, _ = adversaries.corrupt(X, y, fraction=fraction, adversary=adversaries.ActiveHalf(0.5), seed=rng, model=net)
        for U in rng.standard_normal((starts, 1, K, d)):
            for name, fit in NETS.items():
                clock = time.perf_counter()
                found = fit(X, y, signs=net.signs, start=U, seed=0)
                clock = time.perf_counter() - clock
                rows[name].append(
                    (found.objective, clock, np.linalg.norm(found.net.predict(X) - truth) / np.linalg.norm(truth))
                )
    return {name: dict(zip(("objective", "seconds", "error"), np.array(part).T)) for name, part in rows.items()}
