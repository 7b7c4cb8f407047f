"""What the pages call for one figure: decision boundaries, convex against gradient training, stored results."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from robustnn_core import checks, streams
from robustnn_core.convex import datasets
from robustnn_core.convex.baselines import attack_box, train_gradient
from robustnn_core.convex.cells import box
from robustnn_core.convex.patterns import Patterns, distinct
from robustnn_core.convex.robust import fit_robust, fit_robust_linear
from robustnn_core.convex.verify import worst_case_loss

__all__ = [
    "METHODS",
    "Comparison",
    "boundary",
    "bracket",
    "cases",
    "compare",
    "curve",
    "gates",
    "robust_compare",
    "spread",
    "stored",
    "timings",
]

METHODS = ("convex", "linear", "gd", "fgsm", "pgd")


@dataclass(frozen=True, eq=False)
class Comparison:
    """One seed of convex against gradient training; every dict is keyed by ``METHODS``.

    Attributes
    ----------
    clean, fgsm, pgd : dict of str -> float
        Accuracy on the test points, as they are and attacked.
    objective : dict of str -> float
        Certified upper bound of the worst hinge loss on the training points plus the penalty beta sum |u|: exact for
        "convex", "linear".
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


def boundary(net, *, resolution=121, reach=1.1):
    """Scores of a net of the plane on a grid: ``(axis, scores)``, ``scores[row of x_2, column of x_1]``.

    Examples
    --------
    >>> from robustnn_core.convex.experiments import boundary
    >>> from robustnn_core import nets
    >>> boundary(nets.ReLUSum([[1.0, 0.0, 0.0]], [1]), resolution=3, reach=1.0)[1][0]
    array([0., 0., 1.])
    """
    resolution = checks.integer(resolution, "resolution", at_least=2)
    axis = np.linspace(-reach, reach, resolution)
    first, second = np.meshgrid(axis, axis)
    return axis, net.predict(np.c_[first.ravel(), second.ravel(), np.ones(first.size)]).reshape(first.shape)


def gates(X, count, seed, *, bias=None):
    """Distinct patterns of ``count`` gates.

    Parameters
    ----------
    X : array_like, shape (n, d)
    count : int >= 1
    seed : int, tuple or numpy Generator
    bias : int, optional
        Index of a column of ones. With it half of the gates are normal, half through the middle of two training
        points, and one sees every point. Without it all are normal.

    Examples
    --------
    >>> from robustnn_core.convex.experiments import gates
    >>> from robustnn_core.convex.datasets import plane
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
    first = distinct(active)
    first = first[active[:, first].any(axis=0)]
    return Patterns(active[:, first], A[:, first])


def robust_compare(X, y, X_test, y_test, *, radius, bias, beta, patterns, width=48, steps=2000, seed):
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
    seed : int, tuple or numpy Generator

    Returns
    -------
    Comparison
    """
    own = streams.spawn(seed, 5)
    if not isinstance(patterns, Patterns):
        patterns = gates(X, patterns, own[0], bias=bias)
    where = {"radius": radius, "bias": bias}
    convex = fit_robust(X, y, patterns, beta=beta, **where)
    found = {"convex": convex.net, "linear": fit_robust_linear(X, y, beta=beta, **where).net}
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


def compare(name, *, n, radius, beta=1e-3, patterns=60, width=48, steps=2000, seed):
    """:func:`robust_compare` on digits (3 against 8) or breast cancer, split by ``seed``.

    Examples
    --------
    >>> from robustnn_core.convex.experiments import METHODS, compare
    >>> result = compare("digits", n=20, radius=0.05, patterns=6, steps=200, seed=0)
    >>> sorted(result.pgd) == sorted(METHODS), result.pgd["convex"] <= result.clean["convex"]
    (True, True)
    """
    split, own = streams.spawn(seed, 2)
    return robust_compare(
        *datasets.data(name, n, split),
        radius=radius,
        bias=-1,
        beta=beta,
        patterns=patterns,
        width=width,
        steps=steps,
        seed=own,
    )


def _accuracy(net, X, y):
    return float(np.mean(np.sign(net.predict(X)) == y))


# ---------------------------------------------------------------------------------------------------
# Solvers.


def bracket(fit, length):
    """Return the upper and lower bounds of the first ``length`` iterations of a fit, relative to its objective.

    After the last iteration both stay where they are; the lower bound is NaN before there is one.

    Examples
    --------
    >>> from robustnn_core.convex.experiments import bracket
    >>> from robustnn_core import convex
    >>> from robustnn_core.convex.datasets import problem
    >>> X, y, patterns = problem(20, 3, 5, seed=0)
    >>> upper, lower = bracket(convex.fit(X, y, patterns, beta=0.5), 40)
    >>> upper.shape, bool(lower[-1] <= 1.0 <= upper[0])
    ((40,), True)
    """
    index = np.minimum(np.arange(checks.integer(length, "length", at_least=1)), len(fit.trace.objective) - 1)
    upper, lower = (column[index] / fit.objective for column in (fit.trace.objective, fit.trace.lower_bound))
    return upper, np.where(np.isfinite(lower), lower, np.nan)


# ---------------------------------------------------------------------------------------------------
# Stored results.


def stored(name):
    """Return what a benchmark measured and wrote, as it stands in ``data/``.

    Parameters
    ----------
    name : {"measured", "study"}
        ``measured``: the solvers, by ``python benchmarks/convex.py --save``; ``"about"`` and ``"rows"``.
        ``study``: convex against gradient training, by ``python benchmarks/convex_study.py --save``; settings,
        ``"table"``, ``"sweeps"``, ``"separated"``.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        Nothing of this name.

    Examples
    --------
    >>> from robustnn_core.convex.experiments import stored
    >>> sorted(stored("study"))
    ['beta', 'date', 'patterns', 'separated', 'steps', 'sweeps', 'table', 'width']
    """
    folder = Path(__file__).parent / "data"
    checks.choice(name, "name", tuple(sorted(path.stem for path in folder.glob("*.json"))))
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


def timings(measured, tol=1e-6):
    """Return ``stored("measured")`` as columns: a line for each problem, the processor seconds of each, the ratio.

    Of the peers the time of the solver alone, without modelling; of ``fit`` the whole call.

    Examples
    --------
    >>> from robustnn_core.convex.experiments import stored, timings
    >>> list(timings(stored("measured")))[-1]
    'fastest / fit'
    """
    rows = [row for row in measured["rows"] if row["tol"] == tol]
    columns = {"problem": [], "gap of fit": [], "fit": [], "Clarabel": [], "SCS": [], "fastest / fit": []}
    for mine in sorted((row for row in rows if row["solver"] == "fit"), key=lambda row: (row["n"], row["loss"])):
        same = {row["solver"]: row for row in rows if all(row[key] == mine[key] for key in ("n", "d", "P", "loss"))}
        peers = {name: same[name]["solver_cpu_seconds"] if name in same else np.nan for name in ("Clarabel", "SCS")}
        if not np.isfinite(list(peers.values())).any():
            continue
        columns["problem"].append(f"{mine['loss']}, n = {mine['n']}, d = {mine['d']}, P = {mine['P']}")
        columns["gap of fit"].append(mine["gap"])
        columns["fit"].append(mine["cpu_seconds"])
        for name, seconds in peers.items():
            columns[name].append(seconds)
        columns["fastest / fit"].append(np.nanmin(list(peers.values())) / mine["cpu_seconds"])
    return columns


def cases(study):
    """The settings of the table, in its order.

    Examples
    --------
    >>> from robustnn_core.convex.experiments import cases, stored
    >>> cases(stored("study"))[0]
    ('digits', 40, 0.1)
    """
    return list(dict.fromkeys((row["data"], row["n"], row["radius"]) for row in study["table"]))


def spread(study, case, field, method):
    """Values over the seeds, shape (seeds,).

    Parameters
    ----------
    study : dict
        ``stored("study")``.
    case : (str, int, float)
        One of :func:`cases`.
    field : {"clean", "fgsm", "pgd", "certified", "objective", "reached"}
    method : str
        One of :data:`METHODS`.

    Examples
    --------
    >>> from robustnn_core.convex.experiments import cases, spread, stored
    >>> study = stored("study")
    >>> bool((spread(study, cases(study)[0], "certified", "convex") <= 1).all())
    True
    """
    checks.choice(field, "field", ("clean", "fgsm", "pgd", "certified", "objective", "reached"))
    checks.choice(method, "method", METHODS)
    return _values(study["table"], case, field, method)


def curve(study, data, field, method):
    """``(radii, mean over the seeds)`` of one sweep.

    Examples
    --------
    >>> from robustnn_core.convex.experiments import curve, stored
    >>> radii, values = curve(stored("study"), "digits", "pgd", "convex")
    >>> bool(radii[0] < radii[-1]), bool(values[0] > values[-1])
    (True, True)
    """
    checks.choice(method, "method", METHODS)
    radii = list(dict.fromkeys(row["radius"] for row in study["sweeps"] if row["data"] == data))
    n = next((row["n"] for row in study["sweeps"] if row["data"] == data), None)
    if n is None:
        raise ValueError(f"data = {data!r} must be one of {sorted({row['data'] for row in study['sweeps']})}")
    return np.array(radii), np.array([_values(study["sweeps"], (data, n, e), field, method).mean() for e in radii])


def _values(rows, case, field, method):
    data, n, radius = case
    found = [row[field][method] for row in rows if row["data"] == data and row["n"] == n and row["radius"] == radius]
    if not found:
        raise ValueError(f"case = {case!r} is not stored")
    return np.array(found)
