r"""Gradient flow of the frozen-head net, in dual coordinates.

Every gradient is a combination of the training points, so the weights stay on :math:`W = W_0 + CX` and all that
the net sees of its data, :math:`Z = WX^\top = W_0X^\top + CG`, moves in N columns whatever the dimension d is.

Normalised flow is gradient flow after a change of time: :math:`dW/d\tau = \sum_n q_n y_n \nabla f(x_n)` with
:math:`q` the normalised :math:`|\ell'|`. A step is chosen so that the fastest margin grows by ``increment``:
the margins grow linearly in the number of steps, where plain gradient descent needs exponentially many.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit

from robustnn_core import blas, checks, nets, streams
from robustnn_core.perturbations.theory import check_data, check_points, check_width
from robustnn_core.trace import Trace

__all__ = ["Run", "least_squares_multipliers", "train_descent", "train_flow"]

_LOSSES = {"exponential": False, "logistic": True}  # whether the kernel takes the logistic one


@dataclass(frozen=True, eq=False)
class Run:
    r"""What :func:`train_flow` and :func:`train_descent` return.

    Attributes
    ----------
    margins : ndarray, shape (N,)
        y_n f(x_n) at the end.
    multipliers : ndarray, shape (N,)
        Secant multipliers: growth of the duals over growth of the smallest margin, second half of the run;
        0 in the limit for points that are no support vectors.
        All nan unless ``separated`` and the smallest margin still grew.
    residual : float
        Distance of :math:`W/\gamma` (margin 1) from stationarity, :math:`|W/\gamma - \sum\lambda_n y_n\nabla f(x_n)|`
        relative to :math:`|W|/\gamma`; nan unless ``separated``.
    separated : bool
        All margins are positive (and finite): only then does the theory of the late phase apply.
    settled : bool
        Separated, and no neuron changed its sign at any point in the second half of the run.
    trace : Trace
        One row a step, row 0 the start: ``smallest`` and ``largest``, the extreme margins y_n f(x_n); ``log_loss``,
        the logarithm of the mean loss (the loss itself underflows); ``patterns``, how many different rows of signs
        the neurons show, 2 in the limit.
    steps : int
        Steps made; fewer than asked for only if no margin could grow any more, with a ``ConvergenceWarning``.
    coefficients : ndarray, shape (m, N)
        C.
    activations : ndarray, shape (m, N)
        :math:`Z = WX^\top`.
    start : ndarray, shape (m, d)
        W_0.
    X, y, leak, gram
        The data, as given, and its Gram matrix.
    """

    margins: np.ndarray
    multipliers: np.ndarray
    residual: float
    separated: bool
    settled: bool
    trace: Trace
    steps: int
    coefficients: np.ndarray
    activations: np.ndarray
    start: np.ndarray
    X: np.ndarray
    y: np.ndarray
    leak: float
    gram: np.ndarray

    @cached_property
    def net(self):
        """The trained ``nets.FrozenHeadNet``."""
        return nets.FrozenHeadNet(self.start + blas.product(self.coefficients, self.X), self.leak)

    @property
    def converged(self):
        """Has the late phase been reached? The same as ``settled``; a run makes the steps that it was told."""
        return self.settled

    @property
    def pattern(self):
        """Share of the pairs (j, n) that obey sgn(a_j) y_n <w_j, x_n> > 0."""
        side = np.repeat([1.0, -1.0], len(self.activations) // 2)
        return float(np.mean(side[:, None] * self.y * self.activations > 0))


def train_flow(
    X, y, *, leak, width=20, steps=300, seed, loss="exponential", start_scale=1e-3, increment=0.5, gram=None
):
    r"""Follow gradient flow far into its late phase.

    Parameters
    ----------
    X : array_like, shape (N, d)
    y : array_like, shape (N,)
        Labels +-1.
    leak : float in (0, 1)
    width : int, even
        m; 20 is enough for the limit.
    steps : int >= 2
    seed : int >= 0, tuple of int, or numpy Generator
        Of the first weights.
    loss : {"exponential", "logistic"}
    start_scale : float >= 0
        Length of a row of W_0: its entries are normal with standard deviation ``start_scale``/sqrt(d).
    increment : float > 0
        How much the fastest margin grows in a step (to first order).
    gram : ndarray, shape (N, N), optional
        ``blas.gram(X)`` when it is at hand.

    Returns
    -------
    Run

    Raises
    ------
    ValueError
        Labels not +-1, leak outside (0, 1), odd width, zero points, equal points.

    Warns
    -----
    ConvergenceWarning
        No margin could grow before all steps were made, or the numbers overflowed (a huge ``increment``).

    Notes
    -----
    A step costs O(P N^2), P the number of different sign patterns among the neurons (m at first, soon 2),
    and never depends on d. The result is the same, bit for bit, on any number of threads.
    Data that cannot be separated comes back with ``separated = False`` and nan for the multipliers.

    Examples
    --------
    >>> from robustnn_core.perturbations import train_flow
    >>> run = train_flow([[2.0, 0.0], [0.0, 1.0]], [1, -1], leak=0.5, steps=200, seed=0)
    >>> run.multipliers.round(6), run.separated
    (array([0.4, 1.6]), True)
    """
    increment = checks.number(increment, "increment", above=0.0)
    return _train("train_flow", X, y, leak, width, steps, seed, loss, start_scale, increment, 0.0, gram)


def train_descent(X, y, *, leak, width=20, steps=1000, rate, seed, loss="exponential", start_scale=1e-3, gram=None):
    r"""Plain gradient descent, :math:`W \leftarrow W - \text{rate}\,\nabla L`, for comparison.

    Parameters
    ----------
    rate : float > 0
    X, y, leak, width, steps, seed, loss, start_scale, gram
        As in :func:`train_flow`.

    Returns
    -------
    Run

    Warns
    -----
    ConvergenceWarning
        The weights overflowed: ``rate`` is too large.

    Examples
    --------
    >>> from robustnn_core.perturbations import train_descent
    >>> run = train_descent([[2.0, 0.0], [0.0, 1.0]], [1, -1], leak=0.5, steps=2000, rate=0.5, seed=0)
    >>> run.separated, run.margins.min() < 15
    (True, np.True_)
    """
    rate = checks.number(rate, "rate", above=0.0)
    return _train("train_descent", X, y, leak, width, steps, seed, loss, start_scale, 0.0, rate, gram)


def least_squares_multipliers(run):
    r"""Fit :math:`W/\gamma \approx \sum_n\lambda_n y_n\nabla f(x_n)` by least squares: ``(multipliers, residual)``.

    With :math:`K_{nk} = y_ny_k\langle\nabla f(x_n),\nabla f(x_k)\rangle` and f homogeneous in W, the normal equations
    are :math:`K\lambda = \text{margins}/\gamma`, :math:`\gamma` the smallest margin.

    Parameters
    ----------
    run : Run
        Separated.

    Returns
    -------
    multipliers : ndarray, shape (N,)
    residual : float
        Relative, as ``run.residual``.

    Examples
    --------
    >>> from robustnn_core.perturbations import least_squares_multipliers, train_flow
    >>> run = train_flow([[2.0, 0.0], [0.0, 1.0]], [1, -1], leak=0.5, steps=2000, seed=0)
    >>> least_squares_multipliers(run)[0].round(2)
    array([0.4, 1.6])
    """
    if not isinstance(run, Run):
        raise ValueError(f"run = {run!r} must be what train_flow returns")
    if not run.separated:
        raise ValueError(
            f"run has the margin {run.margins.min():.4g}; "
            "the multipliers exist only once all margins are positive: more steps"
        )
    K, unit = _tangent_gram(run.activations, run.gram, run.y, run.leak), run.margins / run.margins.min()
    lam = np.linalg.lstsq(K, unit, rcond=None)[0]
    first = blas.product(run.start, run.X.T)
    return lam, _residual(run.start, first, run.coefficients, run.activations, run.margins, K, lam)


def _train(name, X, y, leak, width, steps, seed, loss, start_scale, increment, rate, gram):
    X, y, leak = check_data(X, y, leak)
    checks.squarable(X, "X", axis=1)
    width = check_width(width)
    steps = checks.integer(steps, "steps", at_least=2)
    checks.choice(loss, "loss", tuple(_LOSSES))
    start_scale = checks.number(start_scale, "start_scale", at_least=0.0)
    G = blas.gram(X) if gram is None else checks.array(gram, "gram", shape=(len(X), len(X)))
    check_points(G)
    start = start_scale / math.sqrt(X.shape[1]) * streams.generator(seed).standard_normal((width, X.shape[1]))
    Z = np.ascontiguousarray(blas.product(start, X.T))
    first, C = Z.copy(), np.zeros_like(Z)
    head = np.repeat([1.0, -1.0], width // 2) / math.sqrt(width)
    history, patterns = np.full((steps + 1, 3), np.nan), np.zeros(steps, dtype=np.int64)
    totals, margins = np.zeros((3, len(y))), np.zeros((2, len(y)))
    done, last_flip = _flow(G, y, head, leak, _LOSSES[loss], increment, rate, Z, C, totals, margins, history, patterns)
    finite = all(np.isfinite(part).all() for part in (margins[1], C, totals[:2]))
    short = None
    if not finite:
        speed = f"rate = {rate:.6g}" if rate else f"increment = {increment:.6g}"
        short = f"the weights overflowed within {done} steps", "finite weights", f"lower {speed}"
    elif done < steps:
        remedy = "look for points that contradict each other, or start from start_scale > 0"
        short = f"no margin can grow after {done} steps", f"steps = {steps}", remedy
    if short:
        checks.warn_unconverged(f"perturbations.{name}", *short, stacklevel=4)
    separated = finite and bool((margins[1] > 0).all())
    lam, residual = np.full(len(y), np.nan), math.nan
    growth = float(margins[1].min() - margins[0].min()) if finite else 0.0
    if separated and growth > 0 and done == steps:
        lam = (totals[0] - totals[1]) / growth
        residual = _residual(start, first, C, Z, margins[1], _tangent_gram(Z, G, y, leak), lam)
    return Run(
        margins=margins[1].copy(),
        multipliers=lam,
        residual=residual,
        separated=separated,
        settled=separated and last_flip < steps // 2,
        trace=Trace(
            smallest=history[: done + 1, 0],
            largest=history[: done + 1, 1],
            log_loss=history[: done + 1, 2],
            patterns=[*patterns[:done], len(np.unique(Z >= 0, axis=0))],
        ),
        steps=done,
        coefficients=C,
        activations=Z,
        start=start,
        X=X,
        y=y,
        leak=leak,
        gram=G,
    )


def _tangent_gram(Z, G, y, leak):
    """y_n y_k <grad f(x_n), grad f(x_k)>, (N, N): the Gram matrix times the overlap of the slopes."""
    slopes = np.where(Z >= 0, 1.0, leak)
    return blas.product(slopes.T, slopes) / len(Z) * G * np.multiply.outer(y, y)


def _residual(start, first, C, Z, margins, K, lam):
    """|W - g sum lam y grad f| / |W| from inner products, g the smallest margin and ``first`` W_0 X^T."""
    scale = margins.min()
    square = float((start**2).sum() + (C * (Z + first)).sum())
    rest = square - 2 * scale * lam @ margins + scale**2 * lam @ (K @ lam)
    return math.sqrt(max(rest, 0.0) / square)


@njit(cache=True, nogil=True)
def _flow(G, y, head, leak, logistic, increment, rate, Z, C, totals, margins, history, patterns):
    """Kernel: advance Z and C (m, N) in place; ``(steps made, last step at which a sign changed)``.

    rate = 0: normalised flow by ``increment``; else plain gradient descent. ``totals`` (3, N): duals at the end and
    at half time, and scratch; ``margins`` (2, N): at half time and at the end. Neurons with the same signs share
    one product with G, in the same order of operations as if they did not.
    """
    m, N = Z.shape
    steps = patterns.shape[0]
    slope, shared = np.empty((m, N)), np.empty((m, N))
    owner = np.empty(m, dtype=np.int64)
    q, growth = totals[2], np.empty(N)
    last_flip = -1
    for t in range(steps + 1):
        smallest, largest, total = np.inf, -np.inf, 0.0
        for n in range(N):
            growth[n] = 0.0
        for j in range(m):
            for n in range(N):
                z = Z[j, n]
                growth[n] += head[j] * (z if z >= 0.0 else leak * z)
        for n in range(N):
            margin = y[n] * growth[n]
            margins[1, n] = margin
            smallest, largest = min(smallest, margin), max(largest, margin)
        # |l'| of each point, and the loss, both relative to the worst point's: they underflow otherwise
        for n in range(N):
            gap = smallest - margins[1, n]
            if logistic:
                a, b = margins[1, n], smallest
                tail_a, tail_b = math.log1p(math.exp(-abs(a))), math.log1p(math.exp(-abs(b)))
                q[n] = math.exp((max(b, 0.0) + tail_b) - (max(a, 0.0) + tail_a))
                # beyond 30 the loss log(1 + exp(-a)) is exp(-a) to the last bit, and soon underflows
                total += math.exp(gap) if b > 30.0 else (max(-a, 0.0) + tail_a) / (max(-b, 0.0) + tail_b)
            else:
                q[n] = math.exp(gap)
                total += q[n]
        top = -smallest
        if logistic and smallest <= 30.0:
            top = math.log(max(-smallest, 0.0) + math.log1p(math.exp(-abs(smallest))))
        history[t, 0], history[t, 1], history[t, 2] = smallest, largest, top + math.log(total / N)
        if t == steps // 2:
            for n in range(N):
                totals[1, n], margins[0, n] = totals[0, n], margins[1, n]
        if t == steps:
            break

        count = 0
        for j in range(m):
            for n in range(N):
                s = 1.0 if Z[j, n] >= 0.0 else leak
                if t == 0 or s != slope[j, n]:
                    slope[j, n] = s
                    last_flip = t
        for j in range(m):
            owner[j] = -1
            for i in range(j):
                if owner[i] == i:
                    same = True
                    for n in range(N):
                        if slope[i, n] != slope[j, n]:
                            same = False
                            break
                    if same:
                        owner[j] = i
                        break
            if owner[j] < 0:
                owner[j] = j
                count += 1
                for n in range(N):
                    shared[j, n] = 0.0
        patterns[t] = count
        full = N - N % 4
        for n in range(0, full, 4):
            for j in range(m):
                if owner[j] == j:
                    a, b = q[n] * y[n] * slope[j, n], q[n + 1] * y[n + 1] * slope[j, n + 1]
                    c, d = q[n + 2] * y[n + 2] * slope[j, n + 2], q[n + 3] * y[n + 3] * slope[j, n + 3]
                    for k in range(N):
                        shared[j, k] += (a * G[n, k] + b * G[n + 1, k]) + (c * G[n + 2, k] + d * G[n + 3, k])
        for n in range(full, N):
            for j in range(m):
                if owner[j] == j:
                    a = q[n] * y[n] * slope[j, n]
                    for k in range(N):
                        shared[j, k] += a * G[n, k]

        for n in range(N):
            growth[n] = 0.0
        for j in range(m):
            i = owner[j]
            for n in range(N):
                growth[n] += head[j] * head[j] * slope[j, n] * shared[i, n]
        fastest = 0.0
        for n in range(N):
            fastest = max(fastest, y[n] * growth[n])
        if rate > 0.0:
            # |l'| of the worst point, which q is relative to
            if logistic:
                eta = rate / N * math.exp(-max(smallest, 0.0) - math.log1p(math.exp(-abs(smallest))))
            else:
                eta = rate / N * math.exp(-smallest)
        elif fastest > 0.0:
            eta = increment / fastest
        else:
            return t, last_flip
        for j in range(m):
            i = owner[j]
            for n in range(N):
                Z[j, n] += eta * head[j] * shared[i, n]
                C[j, n] += eta * head[j] * slope[j, n] * q[n] * y[n]
        for n in range(N):
            totals[0, n] += eta * q[n]
    return steps, last_flip
