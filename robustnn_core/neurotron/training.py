r"""Neuro-Tron itself, thousands of runs at a time, against any adversary.

.. code-block:: text

    for t = 1, 2, ...:   draw x_t;  query y_t;  g = (y_t - f_w(x_t)) M x_t;   w <- w + eta g

Every repeat has its own stream of random numbers, so the result depends on the seed alone: not on the
number of threads, nor on how many other repeats there are.
"""

import math
import os
import types
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numba import njit

from robustnn_core import checks, laws, nets, streams, sweeps
from robustnn_core.neurotron import adversaries as adv
from robustnn_core.neurotron.theory import _check_m, _check_pair

__all__ = ["Run", "Trace", "train"]


@dataclass(frozen=True, eq=False)
class Trace:
    """The errors of every repeat along the way.

    Attributes
    ----------
    steps : ndarray, shape (S,), int
        Updates made when each record was taken; 0 is the start.
    errors : ndarray, shape (S, repeats)
        \\|w - w*\\| of each repeat.
    """

    steps: np.ndarray
    errors: np.ndarray

    @property
    def mean_square(self):
        """The estimate of Delta_t = E\\|w - w*\\|^2, shape (S,)."""
        return _mean_square(self.errors)

    @property
    def rms(self):
        """Its root, shape (S,)."""
        return np.sqrt(self.mean_square)

    def quantile(self, q):
        """The q-quantile over the repeats, shape (S,)."""
        return np.quantile(self.errors, q, axis=1)


@dataclass(frozen=True, eq=False)
class Run:
    """What :func:`train` returns.

    Attributes
    ----------
    weights : ndarray, shape (repeats, r)
        The last weights of every repeat.
    errors : ndarray, shape (repeats,)
        Their distance to w*; huge, inf or nan where a repeat diverged.
    diverged : ndarray of bool, shape (repeats,)
        The last squared error is no finite number: too large a step. Then ``rms`` is inf or nan and says nothing.
    trace : Trace
    steps : int
        Updates made: fewer than asked for only if the run was interrupted.
    """

    weights: np.ndarray
    errors: np.ndarray
    diverged: np.ndarray
    trace: Trace
    steps: int

    @property
    def rms(self):
        """Root mean square error at the end."""
        return float(np.sqrt(_mean_square(self.errors)))


def train(
    net,
    law,
    w_star,
    *,
    adversary=None,
    eta,
    steps,
    repeats=1,
    seed,
    M=None,
    start=None,
    records=60,
    threads=None,
    progress=False,
):
    r"""Run Neuro-Tron ``repeats`` times against an adversary that may move every label.

    Parameters
    ----------
    net : nets.SingleFilterNet
        Patches (k, r, n) and leak.
    law : laws.Law
        Of the inputs.
    w_star : array_like, shape (r,)
        The true filter.
    adversary : adversaries.Adversary, optional
        ``NoAttack()`` when not given.
    eta : float > 0
        Step size (units: weight / (label x \|Mx\|)).
    steps : int >= 0
        Updates of every repeat.
    repeats : int >= 1
    seed : int >= 0 or tuple of int
    M : array_like, shape (r, n), optional
        The mean patch when not given.
    start : array_like, shape (r,) or (repeats, r), optional
        The first weights; 0 when not given.
    records : int >= 2
        How many points of the trajectory to keep, evenly spaced, both ends among them.
    threads : int >= 1, optional
        All cores when not given. The result is the same, bit for bit.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Run

    Raises
    ------
    ValueError
        Bad shapes or values, or an adversary that answered with \|xi\| > theta or with nan.

    Warns
    -----
    ConvergenceWarning
        A repeat diverged; ``diverged`` says which.

    Notes
    -----
    An interrupt (Ctrl-C) keeps what is done: the result says in ``steps`` how far it came, with a warning.
    Source: Algorithm 1 of the paper; the book, *The poisoned oracle*.

    Examples
    --------
    >>> from robustnn_core.neurotron import adversaries
    >>> net, law = nets.SingleFilterNet.gate(2), laws.Sphere(2, 1.0)
    >>> run = train(net, law, [1.0, 2.0], eta=0.5, steps=400, repeats=3, seed=0)
    >>> run.errors.max() < 1e-6
    np.True_
    >>> w_adv = [1.0, 2.1]
    >>> run = train(net, law, [1.0, 2.0], adversary=adversaries.Impostor(w_adv), eta=0.5, steps=400, seed=0)
    >>> run.weights.round(6)
    array([[1. , 2.1]])
    """
    _check_pair(net, law)
    r = net.mean_patch.shape[0]
    w_star = checks.array(w_star, "w_star", shape=(r,))
    M = _check_m(net, M)
    adversary = adv.NoAttack() if adversary is None else adversary
    if not isinstance(adversary, adv.Adversary):
        raise ValueError(f"adversary = {adversary!r} must be one of neurotron.adversaries")
    w_adv = np.zeros(r) if adversary.w_adv is None else checks.array(adversary.w_adv, "adversary.w_adv", shape=(r,))
    eta = checks.number(eta, "eta", above=0.0)
    steps = checks.integer(steps, "steps", at_least=0)
    repeats = checks.integer(repeats, "repeats", at_least=1)
    records = checks.integer(records, "records", at_least=2)
    cores = os.cpu_count() or 1
    threads = cores if threads is None else checks.integer(threads, "threads", at_least=1)
    if start is None:
        weights = np.zeros((repeats, r))
    elif np.ndim(start) == 2:
        weights = checks.array(start, "start", shape=(repeats, r)).copy()
    else:
        weights = np.repeat(checks.array(start, "start", shape=(r,))[None], repeats, axis=0)

    marks = np.unique(np.linspace(0, steps, min(records, steps + 1)).round().astype(np.int64))
    code, data = law._kernel_form()
    problem = (
        law.n,
        code,
        data,
        _gather(net.patches),
        net.patches.shape[0],
        net.leak,
        _gather(M[None]),
        w_star,
        eta,
        adversary.code,
        float(adversary.theta),
        float(adversary.probability),
        w_adv,
    )
    kernel = _kernel if adversary.code != adv.COMPILED else _kernel_around(adversary.function)
    states = streams.states(seed, 2 * repeats).reshape(repeats, 8)  # inputs, and the adversary's coins
    errors = np.empty((len(marks), repeats))
    errors[0] = _distance(weights, w_star)

    # A law of the reader's own is sampled outside of the kernel, in blocks that only n decides.
    block = max(16, 1024 // law.n)
    generators = [streams.generator(s) for s in streams.spawn(seed, repeats)] if code == laws.GIVEN else []
    given = np.empty((repeats, block, law.n)) if generators else np.empty((repeats, 0, 0))

    def advance(part, begin, end):
        worst = 0.0
        while begin < end and worst == 0.0:
            place, count = begin % block, end - begin
            if generators:
                count = min(count, block - place)
                if place == 0:
                    for i in range(part.start, part.stop):
                        given[i] = law.sample(generators[i], block)
            inputs = np.ascontiguousarray(given[part, place : place + count])
            worst = kernel(*problem, inputs, states[part], weights[part], count)
            begin += count
        return worst

    size = -(-repeats // (4 * threads * _LANES)) * _LANES if threads > 1 else repeats
    parts = [slice(i, min(i + size, repeats)) for i in range(0, repeats, size)]
    done, kept = 0, weights.copy()
    pool = ThreadPoolExecutor(min(threads, len(parts))) if len(parts) > 1 else None
    try:
        for i in sweeps.progress(range(1, len(marks)), label="Neuro-Tron", show=progress):
            begin, end = int(marks[i - 1]), int(marks[i])
            if pool is None:
                worst = advance(parts[0], begin, end)
            else:
                worst = float(np.max(list(pool.map(advance, parts, [begin] * len(parts), [end] * len(parts)))))
            if worst != worst:
                raise ValueError(
                    f"adversary = {adversary!r} answered with xi = nan, which is no label; check it for 0/0, inf - inf "
                    "and roots or logarithms of negative numbers "
                    f"(if the weights grow without bound, lower eta = {eta:.6g})"
                )
            if worst > 0.0:
                raise ValueError(
                    f"adversary = {adversary!r} answered with |xi| = {worst:.6g} > theta = {adversary.theta:.6g}; "
                    "declare a larger theta, or keep the answer inside the budget"
                )
            errors[i] = _distance(weights, w_star)
            done, kept = i, weights.copy()
    except KeyboardInterrupt:
        warnings.warn(f"interrupted after {marks[done]} of {steps} updates", RuntimeWarning, stacklevel=2)
    finally:
        if pool is not None:
            pool.shutdown()
    trace = Trace(steps=marks[: done + 1], errors=errors[: done + 1])
    with np.errstate(over="ignore"):
        finite = np.isfinite(trace.errors**2)
    diverged = ~finite[-1]
    if diverged.any():
        checks.warn_unconverged(
            "neurotron.train",
            f"{diverged.sum()} of {repeats} repeats diverged, by update {marks[np.argmin(finite.all(axis=1))]}",
            "finite weights",
            f"lower eta = {eta:.6g} (neurotron.constants(net, law, M).best_eta is a safe step)",
        )
    return Run(kept, errors[done].copy(), diverged, trace, int(marks[done]))


def _mean_square(errors):
    with np.errstate(over="ignore"):
        return (errors**2).mean(axis=-1)


def _distance(weights, w_star):
    with np.errstate(over="ignore", invalid="ignore"):  # a run that diverged is inf or nan, not a warning
        return np.linalg.norm(weights - w_star, axis=1)


def _gather(stack):
    """A stack of matrices (k, r, n) for the kernel: values (k r, q) and columns (k r, q), q non-zeros a row.

    The identity and every convolution have q = 1: such a matrix only picks coordinates.
    """
    rows = stack.reshape(-1, stack.shape[2])
    width = max(1, int(np.count_nonzero(rows, axis=1).max()))
    columns = np.argsort(rows == 0, axis=1, kind="stable")[:, :width]
    return np.take_along_axis(rows, columns, axis=1).copy(), columns.astype(np.int64)


@njit(cache=True)
def _attack(x, mx, w, w_star, clean, theta, coin):
    """The place of a user's adversary; never called for the built-in ones."""
    return 0.0


_LANES = 16  # repeats that advance side by side: the loops over i below become vector instructions
_BLOCK = 32  # inputs drawn at a time


def _advance(
    n,
    law_code,
    law_data,
    patches,
    k,
    leak,
    filters,
    w_star,
    eta,
    adv_code,
    theta,
    probability,
    w_adv,
    given,
    states,
    weights,
    steps,
):
    """Kernel: ``steps`` updates of every row of ``weights``, in place; 0.0, or the |xi| that broke the budget (nan too).

    Arrays of the innermost loops end with the axis of the repeats i. Each repeat sees the same
    operations in the same order whatever its neighbours are, hence the same bits.
    """
    a_values, a_columns = patches
    m_values, m_columns = filters
    repeats, r = weights.shape
    even, odd = 0.5 * (1.0 - leak) / k, 0.5 * (1.0 + leak) / k  # sigma(z) = odd z + even |z|, over k
    drawn, X = np.empty((_BLOCK, n)), np.empty((_BLOCK, n, _LANES))
    w, mx, seen = np.empty((r, _LANES)), np.empty((r, _LANES)), np.empty(_LANES)
    z, z_star, z_adv = np.empty(_LANES), np.empty(_LANES), np.empty(_LANES)
    present, clean, posed = np.empty(_LANES), np.empty(_LANES), np.empty(_LANES)  # f_w, f_{w*}, f_{w_adv} at x
    push, xi = np.empty(_LANES), np.empty(_LANES)
    one_x, one_mx, one_w, one_star = np.empty(n), np.empty(r), np.empty(r), np.empty(r)
    for first in range(0, repeats, _LANES):
        lanes = min(_LANES, repeats - first)
        for i in range(lanes):
            for j in range(r):
                w[j, i] = weights[first + i, j]
        for begin in range(0, steps, _BLOCK):
            count = min(_BLOCK, steps - begin)
            for i in range(lanes):
                if law_code != laws.GIVEN:
                    laws.draw_rows(law_code, law_data, states[first + i, :4], drawn[:count])
                for t in range(count):
                    for j in range(n):
                        X[t, j, i] = given[first + i, begin + t, j] if law_code == laws.GIVEN else drawn[t, j]

            for t in range(count):
                for i in range(lanes):
                    present[i], clean[i], posed[i], push[i], xi[i] = 0.0, 0.0, 0.0, 0.0, 0.0
                row = 0
                for _ in range(k):
                    for i in range(lanes):
                        z[i], z_star[i], z_adv[i] = 0.0, 0.0, 0.0
                    for j in range(r):
                        value, column = a_values[row, 0], a_columns[row, 0]
                        for i in range(lanes):
                            seen[i] = value * X[t, column, i]
                        for e in range(1, a_values.shape[1]):
                            value, column = a_values[row, e], a_columns[row, e]
                            for i in range(lanes):
                                seen[i] += value * X[t, column, i]
                        true = w_star[j]
                        for i in range(lanes):
                            z[i] += w[j, i] * seen[i]
                            z_star[i] += true * seen[i]
                        if adv_code == adv.IMPOSTOR:
                            false = w_adv[j]
                            for i in range(lanes):
                                z_adv[i] += false * seen[i]
                        row += 1
                    for i in range(lanes):
                        present[i] += odd * z[i] + even * abs(z[i])
                        clean[i] += odd * z_star[i] + even * abs(z_star[i])
                        posed[i] += odd * z_adv[i] + even * abs(z_adv[i])

                for j in range(r):
                    value, column = m_values[j, 0], m_columns[j, 0]
                    for i in range(lanes):
                        mx[j, i] = value * X[t, column, i]
                    for e in range(1, m_values.shape[1]):
                        value, column = m_values[j, e], m_columns[j, e]
                        for i in range(lanes):
                            mx[j, i] += value * X[t, column, i]
                    true, false = w_star[j], w_adv[j]
                    for i in range(lanes):
                        push[i] += (false if adv_code == adv.FIXED_LIE else w[j, i] - true) * mx[j, i]

                if adv_code == adv.CONSTANT:
                    for i in range(lanes):
                        xi[i] = theta
                elif adv_code == adv.RANDOM_SIGN:
                    for i in range(lanes):
                        xi[i] = math.copysign(theta, streams.uniform(states[first + i, 4:]) - 0.5)
                elif adv_code == adv.GREEDY or adv_code == adv.FIXED_LIE:
                    for i in range(lanes):
                        xi[i] = math.copysign(theta, push[i])
                elif adv_code == adv.IMPOSTOR:
                    for i in range(lanes):
                        xi[i] = posed[i] - clean[i]
                elif adv_code == adv.COMPILED:
                    for i in range(lanes):
                        for j in range(n):
                            one_x[j] = X[t, j, i]
                        for j in range(r):
                            one_mx[j], one_w[j], one_star[j] = mx[j, i], w[j, i], w_star[j]
                        xi[i] = _attack(  # on copies: what it writes into them is lost
                            one_x, one_mx, one_w, one_star, clean[i], theta, streams.uniform(states[first + i, 4:])
                        )
                if probability < 1.0:
                    for i in range(lanes):
                        if streams.uniform(states[first + i, 4:]) >= probability:
                            xi[i] = 0.0
                if adv_code == adv.IMPOSTOR or adv_code == adv.COMPILED:
                    for i in range(lanes):
                        if not abs(xi[i]) <= theta * (1 + 1e-12):
                            alive = True  # the answer to a learner that has diverged is not the adversary's fault
                            for j in range(r):
                                alive = alive and math.isfinite(w[j, i])
                            if alive:
                                return abs(xi[i])

                for i in range(lanes):
                    push[i] = eta * (clean[i] - present[i] + xi[i])
                for j in range(r):
                    for i in range(lanes):
                        w[j, i] += push[i] * mx[j, i]
        for i in range(lanes):
            for j in range(r):
                weights[first + i, j] = w[j, i]
    return 0.0


_kernel = njit(cache=True, nogil=True)(_advance)


@lru_cache(maxsize=32)
def _kernel_around(attack):
    """The same kernel, compiled around a user's adversary in the place of ``_attack`` (some seconds)."""
    body = types.FunctionType(_advance.__code__, {**globals(), "_attack": attack})
    return njit(nogil=True)(body)
