r"""Two other learners of one gate, each against its own adversary, in plain NumPy: for comparison."""

import numpy as np

from robustnn_core import checks, nets, streams
from robustnn_core.neurotron import feasible
from robustnn_core.neurotron.runs import distance, finished, first_weights, record_times

__all__ = ["train_cautious", "train_sgd"]


def train_sgd(law, w_star, *, theta, eta, steps, repeats, seed, start=None, records=60):
    r"""Stochastic gradient descent on one ReLU gate against its own greedy adversary.

    The true gradient carries the gate :math:`1\{w\cdot x > 0\}`; the adversary answers
    :math:`\xi = \theta\,\mathrm{sign}((w-w^*)\cdot x)`.

    Parameters
    ----------
    law : laws.Law
    w_star : array_like, shape (n,)
    theta : float >= 0
        The adversary's budget.
    eta : float > 0
        Step size.
    steps : int >= 0
    repeats : int >= 1
    seed : int >= 0, tuple of int, or numpy Generator
    start : array_like, shape (n,) or (repeats, n), optional
        The first weights; 0 when not given, where the gate is shut and nothing moves.
    records : int >= 2

    Returns
    -------
    runs.Run

    Raises
    ------
    ValueError
        Bad shapes or values.

    Warns
    -----
    ConvergenceWarning
        A repeat diverged; ``diverged`` says which.

    Notes
    -----
    Source: the book, *A sharper theorem* (And against SGD?).

    Examples
    --------
    >>> from robustnn_core import laws
    >>> from robustnn_core.neurotron import train_sgd
    >>> shared = dict(eta=0.1, steps=500, repeats=5, seed=0)
    >>> train_sgd(laws.Gaussian(2), [1.0, 0.0], theta=0.0, start=[0.5, 0.5], **shared).rms < 1e-6
    True
    """
    w_star = checks.array(w_star, "w_star", shape=(law.n,))
    theta = checks.number(theta, "theta", at_least=0.0)
    eta = checks.number(eta, "eta", above=0.0)

    def step(w, X):
        z = (w * X).sum(axis=1)
        xi = theta * np.where(((w - w_star) * X).sum(axis=1) >= 0, 1.0, -1.0)
        residual = np.maximum(X @ w_star, 0) + xi - np.maximum(z, 0)
        return w + eta * (residual * (z > 0))[:, None] * X

    return finished("train_sgd", *_walk(law, w_star, step, steps, repeats, seed, start, records), remedy="lower eta")


def train_cautious(law, w_star, *, theta, steps, repeats, seed, leak=0.0, start=None, told=None, records=60):
    r"""One gate; each time the learner moves to the closest filter that the new label allows.

    The label allows the w with :math:`|y - f_w(x)| \le \theta`. The adversary hides: it answers as close to
    the learner's own output as its budget permits.

    Parameters
    ----------
    law : laws.Law
    w_star : array_like, shape (n,)
    theta : float >= 0
        The adversary's budget.
    steps : int >= 0
    repeats : int >= 1
    seed : int >= 0, tuple of int, or numpy Generator
    leak : float in [0, 1]
    start : array_like, shape (n,) or (repeats, n), optional
        The first weights; 0 when not given.
    told : float >= 0, optional
        The budget that the learner is told; the true one when not given.
    records : int >= 2

    Returns
    -------
    runs.Run

    Raises
    ------
    ValueError
        Bad shapes or values.

    Notes
    -----
    Source: the book, *Is it optimal?* (A learner that closes the gap).

    Examples
    --------
    >>> from robustnn_core import laws
    >>> from robustnn_core.neurotron import train_cautious
    >>> train_cautious(laws.Sphere(2), [1.0, 0.0], theta=0.0, steps=200, repeats=5, seed=0).rms < 1e-6
    True
    """
    w_star = checks.array(w_star, "w_star", shape=(law.n,))
    theta = checks.number(theta, "theta", at_least=0.0)
    told = theta if told is None else checks.number(told, "told", at_least=0.0)
    leak = checks.number(leak, "leak", at_least=0.0, at_most=1.0)

    def step(w, X):
        z, clean = (w * X).sum(axis=1), nets.leaky_relu(X @ w_star, leak)
        y = clean + np.clip(nets.leaky_relu(z, leak) - clean, -theta, theta)
        move = feasible.closest(z, y, theta=told, leak=leak) - z
        square = (X**2).sum(axis=1)
        return w + (move / np.where(square > 0, square, 1.0))[:, None] * X

    walk = _walk(law, w_star, step, steps, repeats, seed, start, records)
    return finished("train_cautious", *walk, remedy="change the unit of the inputs")


def _walk(law, w_star, step, steps, repeats, seed, start, records):
    """Last weights, times and errors of ``repeats`` runs of ``step(w, X)``, a row of w and of X a run."""
    times = record_times(steps, records)
    repeats = checks.integer(repeats, "repeats", at_least=1)
    rng = streams.generator(seed)
    w = first_weights(start, repeats, law.n)
    errors = [distance(w, w_star)]
    with np.errstate(over="ignore", invalid="ignore"):  # what diverges is said at the end
        for begin, end in zip(times[:-1], times[1:]):
            for _ in range(begin, end):
                w = step(w, law.sample(rng, repeats))
            errors.append(distance(w, w_star))
    return w, times, np.array(errors)
