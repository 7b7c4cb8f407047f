r"""Neuro-Tron itself, thousands of runs at a time, against any adversary.

.. code-block:: text

    for t = 1, 2, ...:   draw x_t;  query y_t;  g = (y_t - f_w(x_t)) M x_t;   w <- w + eta g

Every repeat has its own stream of random numbers, so the result depends on the seed alone: not on the
number of threads, nor on how many other repeats there are.
"""

import os
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from robustnn_core import checks, laws, streams, sweeps
from robustnn_core.neurotron import _kernel
from robustnn_core.neurotron import adversaries as adv
from robustnn_core.neurotron.inputs import check_m, check_pair
from robustnn_core.neurotron.runs import distance, finished, first_weights, record_times

__all__ = ["train"]


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
    seed : int >= 0, tuple of int, or numpy Generator
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
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron import adversaries, train
    >>> net, law = nets.SingleFilterNet.gate(2), laws.Sphere(2, 1.0)
    >>> run = train(net, law, [1.0, 2.0], eta=0.5, steps=400, repeats=3, seed=0)
    >>> run.errors.max() < 1e-6
    np.True_
    >>> w_adv = [1.0, 2.1]
    >>> run = train(net, law, [1.0, 2.0], adversary=adversaries.Impostor(w_adv), eta=0.5, steps=400, seed=0)
    >>> run.weights.round(6)
    array([[1. , 2.1]])
    """
    check_pair(net, law)
    r = net.mean_patch.shape[0]
    w_star = checks.array(w_star, "w_star", shape=(r,))
    M = check_m(net, M)
    adversary = adv.NoAttack() if adversary is None else adversary
    if not isinstance(adversary, adv.Adversary):
        raise ValueError(f"adversary = {adversary!r} must be one of neurotron.adversaries")
    eta = checks.number(eta, "eta", above=0.0)
    times = record_times(steps, records)
    repeats = checks.integer(repeats, "repeats", at_least=1)
    threads = (os.cpu_count() or 1) if threads is None else checks.integer(threads, "threads", at_least=1)
    weights = first_weights(start, repeats, r)
    problem = _problem(net, law, M, w_star, eta, adversary)
    advance = _updates(law, adversary, problem, seed, weights)

    errors = np.empty((len(times), repeats))
    errors[0] = distance(weights, w_star)
    done, kept = 0, weights.copy()
    parts = _parts(repeats, threads)
    pool = ThreadPoolExecutor(min(threads, len(parts))) if len(parts) > 1 else None
    try:
        for i in sweeps.progress(range(1, len(times)), label="Neuro-Tron", show=progress):
            begins, ends = ([int(t)] * len(parts) for t in times[i - 1 : i + 1])
            answers = list((map if pool is None else pool.map)(advance, parts, begins, ends))
            _check_answer(np.max(answers), adversary, eta)
            errors[i] = distance(weights, w_star)
            done, kept = i, weights.copy()
    except KeyboardInterrupt:
        warnings.warn(f"interrupted after {times[done]} of {steps} updates", RuntimeWarning, stacklevel=2)
    finally:
        if pool is not None:
            pool.shutdown()
    remedy = f"lower eta = {eta:.6g} (neurotron.constants(net, law, M).best_eta is a safe step)"
    return finished("train", kept, times[: done + 1], errors[: done + 1], remedy=remedy)


def _problem(net, law, M, w_star, eta, adversary):
    """The first arguments of the kernel, the same for every repeat."""
    r = len(w_star)
    w_adv = np.zeros(r) if adversary.w_adv is None else checks.array(adversary.w_adv, "adversary.w_adv", shape=(r,))
    return (
        law.n,
        *law._kernel_form(),
        _kernel.gather(net.patches),
        net.patches.shape[0],
        net.leak,
        _kernel.gather(M[None]),
        w_star,
        eta,
        adversary.code,
        float(adversary.theta),
        float(adversary.probability),
        w_adv,
    )


def _updates(law, adversary, problem, seed, weights):
    """Return ``advance(part, begin, end)``, which makes the updates of some rows of ``weights``, in place.

    It says what the kernel says: 0.0, or the size of the answer that broke the budget.
    """
    repeats = len(weights)
    kernel = _kernel.advance if adversary.code != adv.COMPILED else _kernel.advance_around(adversary.function)
    states = streams.states(seed, 2 * repeats).reshape(repeats, 8)  # inputs, and the adversary's coins

    # A law of the reader's own is sampled outside of the kernel, in blocks that only n decides.
    own, block = law._kernel_form()[0] == laws.GIVEN, max(16, 1024 // law.n)
    generators = [streams.generator(s) for s in streams.spawn(seed, repeats)] if own else []
    given = np.empty((repeats, block, law.n)) if own else np.empty((repeats, 0, 0))

    def advance(part, begin, end):
        worst = 0.0
        while begin < end and worst == 0.0:
            place, count = begin % block, end - begin
            if own:
                count = min(count, block - place)
                if place == 0:
                    for i in range(part.start, part.stop):
                        given[i] = law.sample(generators[i], block)
            inputs = np.ascontiguousarray(given[part, place : place + count])
            worst = kernel(*problem, inputs, states[part], weights[part], count)
            begin += count
        return worst

    return advance


def _parts(repeats, threads):
    """Slices of the repeats, in multiples of the kernel's lanes; what a repeat does is the same in any of them."""
    lanes = _kernel.LANES
    size = -(-repeats // (4 * threads * lanes)) * lanes if threads > 1 else repeats
    return [slice(i, min(i + size, repeats)) for i in range(0, repeats, size)]


def _check_answer(size, adversary, eta):
    """Refuse the answer of an adversary that is no number or beyond its budget; ``size`` is 0.0 if there is none."""
    if size != size:
        raise ValueError(
            f"adversary = {adversary!r} answered with xi = nan, which is no label; check it for 0/0, inf - inf "
            "and roots or logarithms of negative numbers "
            f"(if the weights grow without bound, lower eta = {eta:.6g})"
        )
    if size > 0.0:
        raise ValueError(
            f"adversary = {adversary!r} answered with |xi| = {size:.6g} > theta = {adversary.theta:.6g}; "
            "declare a larger theta, or keep the answer inside the budget"
        )
