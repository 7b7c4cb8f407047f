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
from robustnn_core.neurotron.inputs import check_m, check_pair, check_single
from robustnn_core.neurotron.runs import distance, finished, first_weights, record_times

__all__ = ["train", "train_sign"]


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
    M = check_m(net, M)
    walk = _walk(net, law, M, w_star, adversary, eta, steps, repeats, seed, start, records, threads, progress)
    remedy = f"lower eta = {eta:.6g} (neurotron.constants(net, law, M).best_eta is a safe step)"
    return finished("train", *walk, remedy=remedy)


def train_sign(
    net,
    law,
    w_star,
    *,
    adversary=None,
    eta,
    decay=1.0,
    steps,
    repeats=1,
    seed,
    start=None,
    records=60,
    threads=None,
    progress=False,
):
    r"""Learn one gate from the *signs* of the errors: lies of any size on fewer than half of the labels do not stop it.

    .. code-block:: text

        for t = 0, 1, ...:   draw x_t;  query y_t;   w <- w + eta decay^t sign(y_t - f_w(x_t)) 1{w.x_t > 0} x_t

    With a leak in (0, 1] the net never goes flat and the factor 1{w.x > 0} is dropped.

    Parameters
    ----------
    net : nets.SingleFilterNet
        With one patch A and a leak in [0, 1]; the learner sees A x.
    law : laws.Law
        Of the inputs.
    w_star : array_like, shape (r,)
        The true filter.
    adversary : adversaries.Adversary, optional
        ``NoAttack()`` when not given. The theorem is about ``WithProbability(anyone, b)`` with b < 1/2, whatever
        the budget; any other adversary is let in, and may win.
    eta : float > 0
        First step size (units: weight / \|Ax\|).
    decay : float in (0, 1]
        Every step is so many times the one before; 1 keeps the step.
    steps : int >= 0
        Updates of every repeat.
    repeats : int >= 1
    seed : int >= 0, tuple of int, or numpy Generator
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
        Bad shapes or values, a net of several patches or with a leak outside [0, 1], or an adversary that
        answered with \|xi\| > theta or with nan.

    Warns
    -----
    ConvergenceWarning
        A repeat diverged; ``diverged`` says which.

    Notes
    -----
    Without a leak an input on the edge of the gate, w.x = 0, counts as inside if the first coordinate of Ax that is
    not 0 is positive, as if w.x were a positive number too small to write; y <= 0 is then below the output. So of
    x and -x exactly one is used at every w, 0 included, and the theorem needs no exception.

    A step bounds what one label can do: \|w\| moves by at most eta decay^t \|Ax\|. Hence steps that shrink too fast
    stop short of w*: eta/(1 - decay) times the mean \|Ax\| must exceed the first error several times.

    An interrupt (Ctrl-C) keeps what is done, as in :func:`train`.
    Source: this book; its theorem is ``neurotron.sign_schedule``.

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron import adversaries, train_sign
    >>> net, law = nets.SingleFilterNet.gate(2), laws.Gaussian(2)
    >>> liar = adversaries.WithProbability(adversaries.Greedy(1e6), 0.2)
    >>> shared = dict(eta=0.1, decay=0.996, steps=4000, repeats=5, seed=0)
    >>> train_sign(net, law, [1.0, 2.0], adversary=liar, **shared).errors.max() < 1e-5
    np.True_
    """
    check_pair(net, law)
    check_single(net)
    decay = checks.number(decay, "decay", above=0.0, at_most=1.0)
    walk = _walk(
        net, law, net.patches[0], w_star, adversary, eta, steps, repeats, seed, start, records, threads, progress, decay
    )
    return finished("train_sign", *walk, remedy=f"lower eta = {eta:.6g}")


def _walk(net, law, M, w_star, adversary, eta, steps, repeats, seed, start, records, threads, progress, decay=None):
    """Last weights, times and errors of either learner: that of the signs if there is a ``decay``."""
    w_star = checks.array(w_star, "w_star", shape=(M.shape[0],))
    adversary = adv.NoAttack() if adversary is None else adversary
    if not isinstance(adversary, adv.Adversary):
        raise ValueError(f"adversary = {adversary!r} must be one of neurotron.adversaries")
    eta = checks.number(eta, "eta", above=0.0)
    times = record_times(steps, records)
    repeats = checks.integer(repeats, "repeats", at_least=1)
    threads = (os.cpu_count() or 1) if threads is None else checks.integer(threads, "threads", at_least=1)
    weights = first_weights(start, repeats, len(w_star))
    problem = _problem(net, law, M, w_star, eta, adversary)
    rule = (False, 1.0) if decay is None else (True, decay)
    advance = _updates(law, adversary, problem, rule, seed, weights)

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
        warnings.warn(f"interrupted after {times[done]} of {steps} updates", RuntimeWarning, stacklevel=3)
    finally:
        if pool is not None:
            pool.shutdown()
    return kept, times[: done + 1], errors[: done + 1]


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


def _updates(law, adversary, problem, rule, seed, weights):
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
            worst = kernel(*problem, inputs, states[part], weights[part], count, *rule, begin)
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
