"""Breakdown curves: problems, estimators, and how often one recovers the true model, fraction by fraction."""

import functools
import numbers
from dataclasses import dataclass, field

import numpy as np

from robustnn_core import checks, nets, streams, sweeps
from robustnn_core.breakdown import adversaries, networks, regression

__all__ = ["Curve", "Estimator", "LinearProblem", "NetProblem", "breakdown_curve"]

WHOLE = {"ols": regression.ols, "huber": regression.huber, "lad": regression.lad}  # all points
TRIMMED = {"torrent": regression.torrent, "lts": regression.lts}
NETS = {"partition": networks.fit_partition, "dc": networks.fit_dc}


@dataclass(frozen=True)
class LinearProblem:
    """Gaussian design, Gaussian coefficients, exact labels.

    Examples
    --------
    >>> from robustnn_core.breakdown import LinearProblem
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
    >>> from robustnn_core.breakdown import NetProblem
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
    keep : int, float share in (0, 1], "oracle" or None
        The points kept (torrent, lts, partition, dc); "oracle" keeps n - m (torrent and lts: at least p + 1);
        None is the estimator's own default (for torrent and lts the highest breakdown, (n + p + 1) // 2).
    options : dict
        Further keyword arguments.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.breakdown import Estimator
    >>> Estimator("ols").fit(np.eye(2), [1.0, 2.0], m=0, seed=0).coef
    array([1., 2.])
    """

    name: str
    keep: object = None
    options: dict = field(default_factory=dict)

    def __post_init__(self):
        checks.choice(self.name, "name", (*WHOLE, *TRIMMED, *NETS))
        if self.keep is not None and self.name in WHOLE:
            raise ValueError(
                f"keep = {self.keep!r} has no meaning for {self.name}, which keeps all points; leave it out"
            )
        if self.keep is not None and self.keep != "oracle":
            if isinstance(self.keep, numbers.Integral) and not isinstance(self.keep, bool):
                keep = checks.integer(self.keep, "keep", at_least=1)
            else:
                keep = checks.number(self.keep, "keep", above=0.0, at_most=1.0)
            object.__setattr__(self, "keep", keep)

    def fit(self, X, y, *, m, seed, signs=None):
        """Fit; ``m`` is the number of corrupted points, told to an oracle only."""
        n, p = np.shape(X)
        if self.name in WHOLE:
            return WHOLE[self.name](X, y, **self.options)
        keep = n - m if self.keep == "oracle" else self.keep
        if self.name in NETS:
            return NETS[self.name](X, y, signs=signs, keep=keep, seed=seed, **self.options).net
        if keep is None:
            keep = (n + p + 1) // 2
        elif self.keep == "oracle":
            keep = max(keep, p + 1)
        seeded = {"seed": seed} if self.name == "lts" else {}
        return TRIMMED[self.name](X, y, keep=keep, **seeded, **self.options)


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
        """The largest fraction of the grid up to which 90 % of the trials succeed at every fraction; 0 if none."""
        good = self.rate >= 0.9
        until = len(good) if good.all() else int(np.argmin(good))
        return float(self.fractions[until - 1]) if until else 0.0


def breakdown_curve(
    estimator,
    problem,
    adversary,
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
    adversary : adversaries.Adversary
    fractions : array_like, shape (F,)
        Increasing, in [0, 1].
    trials : int
    seed : int >= 0 or anything :func:`robustnn_core.streams.spawn` takes
    executor : concurrent.futures.Executor, optional
        The numbers do not depend on it.
    checkpoint : path, optional
        Resume an interrupted curve, see :func:`robustnn_core.sweeps.run`.
    tolerance : float
        Relative error on the design below which a trial counts as recovered.
    level : float
        Of the confidence intervals.
    progress : bool or callable, optional
        See :func:`robustnn_core.sweeps.run`.

    Returns
    -------
    Curve

    Examples
    --------
    >>> from robustnn_core.breakdown import LinearProblem, adversaries, breakdown_curve
    >>> gross, problem = adversaries.GrossOutliers(), LinearProblem(60, 2)
    >>> curve = breakdown_curve("lad", problem, gross, fractions=[0.1, 0.2], trials=4, seed=0)
    >>> curve.rate, curve.breakdown_point
    (array([1., 1.]), 0.2)
    """
    if isinstance(estimator, str):
        estimator = Estimator(estimator)
    if not callable(getattr(estimator, "fit", estimator)):
        raise ValueError(f"estimator = {estimator!r} must be an Estimator, a name of one, or a callable")
    adversaries.require(adversary)
    fractions = checks.array(fractions, "fractions", shape=("F",))
    if (np.diff(fractions) <= 0).any() or fractions[0] < 0 or fractions[-1] > 1:
        raise ValueError(f"fractions = {fractions.tolist()} must increase within [0, 1]")
    tolerance = checks.number(tolerance, "tolerance", above=0.0)
    task = functools.partial(_trial, estimator, problem, adversary)
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


def _trial(estimator, problem, adversary, seed, fraction):
    """One trial: the relative error on the design. Adversary and estimator cannot change what it is measured by."""
    draw, spoil, run = streams.spawn(seed, 3)
    X, model = problem.draw(draw)
    truth, signs = model.predict(X), getattr(model, "signs", None)
    signs = None if signs is None else np.array(signs)
    y, touched = adversaries.corrupt(X, truth, fraction=fraction, adversary=adversary, seed=spoil, model=model)
    fit = getattr(estimator, "fit", estimator)
    fitted = fit(X.copy(), y, m=int(touched.sum()), seed=run, signs=signs)
    return float(np.linalg.norm(fitted.predict(X) - truth) / np.linalg.norm(truth))
