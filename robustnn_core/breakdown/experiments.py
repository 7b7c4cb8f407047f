"""What a chapter calls to get one figure's data: problems, estimators, breakdown curves."""

import functools
import time
import warnings
from dataclasses import dataclass, field

import numpy as np

from robustnn_core import checks, figures, nets, streams, sweeps
from robustnn_core.breakdown import _lifted, attacks, networks, regression, theory

__all__ = [
    "Curve",
    "Estimator",
    "LinearProblem",
    "NetProblem",
    "breakdown_curve",
    "compare_descents",
    "descent_path",
    "draw_plane",
    "minimise_majoriser",
    "pair_impostor",
    "same_first_step",
]


@dataclass(frozen=True)
class LinearProblem:
    """Gaussian design, Gaussian coefficients, exact labels.

    Examples
    --------
    >>> X, model = LinearProblem(n=6, d=2).draw(0)
    >>> X.shape, model.coef.shape
    ((6, 2), (2,))
    """

    n: int = 600
    d: int = 8

    def draw(self, seed):
        """Return X (n, d) and the true model."""
        rng = streams.generator(seed)
        X = rng.standard_normal((self.n, self.d))
        return X, _Linear(rng.standard_normal(self.d))


@dataclass(frozen=True)
class NetProblem:
    """Gaussian design, a sum of signed ReLU units of length one.

    Parameters
    ----------
    n, d : int
    signs : tuple of +1 and -1
    angle : float or None
        Between the two units of a pair, in degrees; None: orthogonal units (K <= d).
    balanced : bool
        Reflect points so that exactly half of them are active for the first unit (its breakdown bound then
        does not vary from sample to sample).

    Examples
    --------
    >>> X, net = NetProblem(n=8, d=3, signs=(1,), balanced=True).draw(0)
    >>> int((X @ net.weights[0] > 0).sum())
    4
    """

    n: int = 400
    d: int = 5
    signs: tuple = (1,)
    angle: float | None = None
    balanced: bool = False

    def __post_init__(self):
        K = len(checks.signs(self.signs, "signs"))
        if K > self.d:
            raise ValueError(f"signs has {K} entries but d = {self.d}; orthogonal units need K <= d")
        if self.angle is not None and K != 2:
            raise ValueError(f"angle = {self.angle} is for a pair of units, not for {K}")

    def draw(self, seed):
        """Return X (n, d) and the true net."""
        rng = streams.generator(seed)
        X = rng.standard_normal((self.n, self.d))
        U = np.linalg.qr(rng.standard_normal((self.d, self.d)))[0][: len(self.signs)]
        if self.angle is not None:
            turn = np.deg2rad(self.angle)
            U[1] = np.cos(turn) * U[0] + np.sin(turn) * U[1]
        if self.balanced:
            wanted = np.where(np.arange(self.n) < self.n // 2, 1.0, -1.0)
            X *= (wanted * np.where(X @ U[0] > 0, 1.0, -1.0))[:, None]
        return X, nets.ReLUSum(U, self.signs)


@dataclass(frozen=True)
class _Linear:
    coef: np.ndarray

    def predict(self, X):
        return X @ self.coef


@dataclass(frozen=True)
class Estimator:
    """A named estimator with options, in a form that travels to other processes.

    Parameters
    ----------
    name : {"ols", "huber", "lad", "torrent", "lts", "partition", "dc"}
    keep : float, "oracle" or None
        Share of the points kept (torrent, lts, partition, dc); "oracle" keeps n - m (torrent and lts: at least
        p + 1); None is the estimator's own default (for torrent and lts the highest breakdown, (n + p + 1) // 2).
    options : dict
        Further keyword arguments.

    Examples
    --------
    >>> Estimator("ols").fit(np.eye(2), [1.0, 2.0], m=0, seed=0).coef
    array([1., 2.])
    """

    name: str
    keep: object = None
    options: dict = field(default_factory=dict)

    def __post_init__(self):
        checks.choice(self.name, "name", ("ols", "huber", "lad", "torrent", "lts", "partition", "dc"))
        if self.keep is not None and self.name in ("ols", "huber", "lad"):
            raise ValueError(
                f"keep = {self.keep!r} has no meaning for {self.name}, which keeps all points; leave it out"
            )
        if self.keep is not None and self.keep != "oracle":
            object.__setattr__(self, "keep", checks.number(self.keep, "keep", above=0.0, at_most=1.0))

    def fit(self, X, y, *, m, seed, signs=None):
        """Fit; ``m`` is the number of corrupted points, told to an oracle only."""
        n, p = np.shape(X)
        keep = n - m if self.keep == "oracle" else None if self.keep is None else int(np.ceil(self.keep * n))
        if self.name in ("ols", "huber", "lad"):
            return getattr(regression, self.name)(X, y, **self.options)
        if self.name in ("torrent", "lts"):
            seeded = {"seed": seed} if self.name == "lts" else {}
            keep = (n + p + 1) // 2 if keep is None else max(keep, p + 1) if self.keep == "oracle" else keep
            return getattr(regression, self.name)(X, y, keep=keep, **seeded, **self.options)
        fit = functools.partial(getattr(networks, self.name + "_fit"), X, y, signs=signs, seed=seed, **self.options)
        result = fit() if keep is None else fit(keep=keep)
        return result.net


@dataclass(frozen=True, eq=False)
class Curve:
    """Success of an estimator against the corrupted fraction.

    Attributes
    ----------
    fractions : ndarray, shape (F,)
    successes : ndarray of int, shape (F,)
        Trials whose relative error on the design is below the tolerance.
    trials : int
    low, high : ndarray, shape (F,)
        Clopper-Pearson interval of the success probability.
    errors : ndarray, shape (F, trials)
        |f_hat - f|_X / |f|_X.
    """

    fractions: np.ndarray
    successes: np.ndarray
    trials: int
    low: np.ndarray
    high: np.ndarray
    errors: np.ndarray

    @property
    def rate(self):
        """Share of successes, shape (F,)."""
        return self.successes / self.trials

    @property
    def breakdown_point(self):
        """The largest fraction of the grid up to which at least 90 % of the trials succeed at every fraction; 0 if none."""
        good = self.rate >= 0.9
        until = len(good) if good.all() else int(np.argmin(good))
        return float(self.fractions[until - 1]) if until else 0.0


def breakdown_curve(
    estimator,
    problem,
    attack,
    *,
    fractions,
    trials,
    seed,
    executor=None,
    checkpoint=None,
    tolerance=1e-3,
    level=0.95,
    progress=None,
):
    """Measure how often an estimator recovers the true model exactly, fraction by fraction.

    Parameters
    ----------
    estimator : Estimator, name of one, or callable
        A callable of a module: ``estimator(X, y, m=, seed=, signs=)`` returning an object with ``predict``.
    problem : LinearProblem or NetProblem
        Anything with ``draw(seed) -> (X, model)``.
    attack : attacks.Attack
    fractions : array_like, shape (F,)
        Increasing, in [0, 1].
    trials : int
    seed : int >= 0
    executor : concurrent.futures.Executor, optional
        The numbers do not depend on it.
    checkpoint : path, optional
        Resume an interrupted curve, see :func:`robustnn_core.sweeps.run`.
    tolerance : float
        Relative error on the design below which a trial counts as recovered.
    level : float
        Of the confidence intervals.

    Returns
    -------
    Curve

    Examples
    --------
    >>> curve = breakdown_curve("lad", LinearProblem(60, 2), attacks.GrossOutliers(), fractions=[0.1, 0.2], trials=4, seed=0)
    >>> curve.rate, curve.breakdown_point
    (array([1., 1.]), 0.2)
    """
    if isinstance(estimator, str):
        estimator = Estimator(estimator)
    if not callable(getattr(estimator, "fit", estimator)):
        raise ValueError(f"estimator = {estimator!r} must be an Estimator, a name of one, or a callable")
    if not isinstance(attack, attacks.Attack):
        raise ValueError(f"attack = {attack!r} must be an attacks.Attack")
    fractions = checks.array(fractions, "fractions", shape=("F",))
    if (np.diff(fractions) <= 0).any() or fractions[0] < 0 or fractions[-1] > 1:
        raise ValueError(f"fractions = {fractions.tolist()} must increase within [0, 1]")
    tolerance = checks.number(tolerance, "tolerance", above=0.0)
    task = functools.partial(_trial, estimator, problem, attack)
    sweep = sweeps.run(
        task,
        {"fraction": fractions.tolist()},
        trials=trials,
        seed=seed,
        executor=executor,
        checkpoint=checkpoint,
        progress=progress,
    )
    errors = sweep.values
    successes = (errors < tolerance).sum(axis=1)
    low, high = sweeps.binomial_interval(successes, trials, level)
    return Curve(fractions, successes, trials, np.asarray(low), np.asarray(high), errors)


def _trial(estimator, problem, attack, seed, fraction):
    """One trial: the relative error on the design. Attack and estimator cannot change what it is measured by."""
    draw, spoil, run = streams.spawn(seed, 3)
    X, model = problem.draw(draw)
    truth, signs = model.predict(X), getattr(model, "signs", None)
    signs = None if signs is None else np.array(signs)
    y, touched = attacks.corrupt(X, truth, fraction=fraction, attack=attack, seed=spoil, model=model)
    fit = getattr(estimator, "fit", estimator)
    fitted = fit(X.copy(), y, m=int(touched.sum()), seed=run, signs=signs)
    return float(np.linalg.norm(fitted.predict(X) - truth) / np.linalg.norm(truth))


def pair_impostor(angle, signs=(1, 1), *, directions=72, lengths=(0.25, 0.5, 1.0, 2.0, 4.0), nudge=1e-6):
    """Search the plane for the impostor that differs least from two units: is the angle bound attained for K = 2?

    An impostor that agrees with the net anywhere (both zero apart) has, for some active set, units that sum
    to one of the net's linear maps: that leaves one vector free. The search takes it from a grid of
    directions and lengths, from small integer combinations of the units (which hold the impostors that
    agree on two maps), and from small moves of the latter.

    Parameters
    ----------
    angle : float
        Between the two units of length one, in degrees.
    signs : tuple of +1 and -1
    directions : int
    lengths : tuple of float
    nudge : float
        Length of the small moves.

    Returns
    -------
    least : float
        The smallest positive probability of disagreement found, for a rotation-invariant input.
    impostor : nets.ReLUSum
    count : int
        How many impostors were tried.

    Examples
    --------
    >>> least, _, _ = pair_impostor(60.0, directions=12, lengths=(1.0,))
    >>> round(least, 4)
    0.3333
    """
    s = checks.signs(signs, "signs", length=2)
    turn = np.deg2rad(checks.number(angle, "angle", above=0.0, below=180.0))
    U = np.array([[1.0, 0.0], [np.cos(turn), np.sin(turn)]])
    net = nets.ReLUSum(U, s)
    around = 2 * np.pi * (np.arange(checks.integer(directions, "directions", at_least=4)) + 0.5) / directions
    circle = np.stack([np.cos(around), np.sin(around)], axis=1)
    whole = [i * U[0] + j * U[1] for i in range(-2, 3) for j in range(-2, 3)]
    free = (
        [r * e for r in lengths for e in circle]
        + whole
        + [v + nudge * e for v in whole for e in circle[:: directions // 4]]
    )
    least, best, count = 1.0, None, 0
    for total in (s[0] * U[0], s[1] * U[1], s[0] * U[0] + s[1] * U[1]):
        for v in free:
            for V in ([s[0] * total, v], [v, s[1] * total], [s[0] * (total - s[1] * v), v]):
                other = nets.ReLUSum(V, s)
                count += 1
                share = theory.plane_disagreement(net, other, 1e-9)
                if 1e-9 < share < least:
                    least, best = share, other
    return least, best, count


def descent_path(method, X, y, *, signs, keep, start, steps):
    """The fits after 0, 1, ..., ``steps`` steps of one descent, for a page that draws them one by one.

    Parameters
    ----------
    method : {"partition", "dc"}
    X : array_like, shape (n, d)
    y : array_like, shape (n,)
    signs : array_like, shape (K,)
    keep : int
    start : array_like, shape (K, d)
    steps : int
        After the descent has ended the last fit is repeated.

    Returns
    -------
    list of (nets.ReLUSum, ndarray of bool, float)
        Net, kept points and F_h.

    Examples
    --------
    >>> X = streams.generator(0).standard_normal((30, 2))
    >>> path = descent_path("dc", X, np.maximum(X[:, 0], 0.0), signs=[1], keep=24, start=[[1.0, 1.0]], steps=5)
    >>> len(path), bool(path[-1][2] <= path[0][2])
    (6, True)
    """
    fit = {"partition": networks.partition_fit, "dc": networks.dc_fit}[
        checks.choice(method, "method", ("partition", "dc"))
    ]
    y = checks.array(y, "y", shape=("n",))
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


def minimise_majoriser(X, y, net, *, newton=100, safeguard=True):
    """Minimise the DC majoriser Maj(. | U) of the loss on all points, from U.

    Parameters
    ----------
    X : array_like, shape (n, d)
    y : array_like, shape (n,)
    net : nets.ReLUSum
        U.
    newton : int >= 1
        Bound on the Newton steps.
    safeguard : bool
        ``False``: plain Newton steps with an exact line search, which can stop on a kink that is not a minimum.

    Returns
    -------
    nets.ReLUSum, float
        The minimiser and Maj there.

    Examples
    --------
    >>> X = streams.generator(0).standard_normal((30, 2))
    >>> y = np.maximum(X[:, 0], 0.0)
    >>> net, value = minimise_majoriser(X, y, nets.ReLUSum([[1.0, 0.5]], [1]))
    >>> bool(value < np.sum((y - np.maximum(X @ [1.0, 0.5], 0)) ** 2))
    True
    """
    X = checks.array(X, "X", shape=("n", net.weights.shape[1]))
    y = checks.array(y, "y", shape=(len(X),))
    n, d = X.shape
    K = net.signs.size
    V = net.weights.copy()
    regions = 1 << K if K <= _lifted.REGION_UNITS else 1
    newton = checks.integer(newton, "newton", at_least=1)
    value, finished = _lifted.minimise_majoriser(
        X,
        y,
        net.signs,
        np.ones(n, np.bool_),
        X @ V.T > 0,
        V,
        1e-12,
        newton,
        np.empty((regions, d, d)),
        np.empty((regions, d)),
        np.zeros((K * d, K * d)),
        np.empty(K * d),
        bool(safeguard),
    )
    if not finished:
        checks.warn_unconverged(
            "minimise_majoriser",
            f"Maj = {value:.6g} after {newton} Newton steps",
            "a step that gains nothing",
            "raise newton",
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

    Returns
    -------
    in_cell, same : bool

    Examples
    --------
    >>> X = streams.generator(0).standard_normal((40, 2))
    >>> same_first_step(X, np.maximum(X[:, 0], 0.0), signs=[1], keep=30, start=[[1.0, 1e-6]])
    (True, True)
    """
    (begin, kept, _), (left, *_) = descent_path("partition", X, y, signs=signs, keep=keep, start=start, steps=1)
    right = descent_path("dc", X, y, signs=signs, keep=keep, start=start, steps=1)[1][0]
    before, after = (np.asarray(X)[kept] @ net.weights.T > 0 for net in (begin, left))
    return bool((before == after).all()), bool(np.allclose(left.weights, right.weights, atol=1e-8))


def compare_descents(problem, *, fraction, noise, seeds, starts, seed):
    """Partition and DC training from the same random starts under the active-half attack.

    Parameters
    ----------
    problem : NetProblem
    fraction : float
        Corrupted.
    noise : float
        Standard deviation of the noise on all labels.
    seeds, starts : int
        Data sets, and starts on each.
    seed : int

    Returns
    -------
    dict of str -> dict
        For "partition" and "dc": "objective", "seconds" and "error" (relative, on the design), each of shape (seeds * starts,).

    Examples
    --------
    >>> both = compare_descents(NetProblem(60, 2), fraction=0.1, noise=0.0, seeds=1, starts=2, seed=0)
    >>> both["dc"]["error"].shape
    (2,)
    """
    K, d = len(problem.signs), problem.d
    rows = {"partition": [], "dc": []}
    for draw in streams.spawn(seed, seeds):
        X, net = problem.draw(draw)
        truth, rng = net.predict(X), streams.generator((seed, len(rows["dc"])))
        y = truth + noise * rng.standard_normal(truth.size)
        y, _ = attacks.corrupt(X, y, fraction=fraction, attack=attacks.ActiveHalf(0.5), seed=rng, model=net)
        for U in rng.standard_normal((starts, 1, K, d)):
            for name, fit in (("partition", networks.partition_fit), ("dc", networks.dc_fit)):
                clock = time.perf_counter()
                found = fit(X, y, signs=net.signs, start=U, seed=0)
                clock = time.perf_counter() - clock
                rows[name].append(
                    (found.objective, clock, np.linalg.norm(found.net.predict(X) - truth) / np.linalg.norm(truth))
                )
    return {name: dict(zip(("objective", "seconds", "error"), np.array(part).T)) for name, part in rows.items()}
