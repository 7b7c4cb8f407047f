"""Every row of every ledger of the breakdown wing, with the change that kills it (see ``tests.mutations``)."""

import dataclasses
from functools import cache
from unittest import mock

import numpy as np

from robustnn_core import nets, streams
from robustnn_core.breakdown import NetProblem, adversaries, corrupt, networks, proofs, theory
from robustnn_core.trace import Trace
from tests.mutations import (
    BY_CONSTRUCTION,
    assert_complete,
    assert_killed,
    assert_listed,
    cases,
    elsewhere,
    patched,
    spoilt,
    tighter,
)

PROOFS, THEORY = "robustnn_core.breakdown.proofs.", "robustnn_core.breakdown.theory."
IMPOSTORS = "robustnn_core.breakdown.impostors."


def more(amount):
    """A count or a number that is larger by ``amount``."""
    return lambda f: lambda *args, **options: f(*args, **options) + amount


def times(factor):
    return lambda f: lambda *args, **options: factor * f(*args, **options)


def leaky(predict):
    """The flat half is not flat."""
    return lambda net, X: (lambda z: np.where(z > 0.0, z, 0.1 * z) @ net.signs)(np.asarray(X) @ net.weights.T)


LEAKY = patched("robustnn_core.nets.ReLUSum.predict", leaky, "with a leak")

# ---------------------------------------------------------------- 1. what breaks


def half_distance():
    rng = np.random.default_rng(0)
    X, w = rng.standard_normal((9, 3)), np.array([1.0, -1.0, 2.0])
    nearest = X @ (w + np.linalg.svd(X[:2])[2][-1])
    nearest[:2] = X[:2] @ w
    return proofs.half_distance(X @ w, nearest, distance=theory.linear_distance(9, 3))


DISTANCE = THEORY + "linear_distance"


@cache
def design():
    X = streams.generator(0).standard_normal((3000, 4))
    return X, np.argsort(-np.abs(X[:, 0]), kind="stable")  # the first input, by size


def contraction(lies=None, keep=2790):
    """Lies of very different sizes on the 7 % of largest reach, or others."""
    X, order = design()
    if lies is None:
        lies = np.zeros(3000)
        lies[order[:210]] = X[order[:210], 0] * streams.generator(1).permutation(np.geomspace(1e-4, 10, 210))
    return proofs.contraction(X, [1.0, -1.0, 2.0, 0.5], lies, keep=keep, steps=3)


def hidden():
    """200 lies that push, and ten below the ten largest clean points at twice the shift: (3), (4) are tight."""
    X, order = design()
    lies = np.zeros(3000)
    lies[order[20:220]] = 10.0 * X[order[20:220], 0]
    shift = X[:, 0] * np.linalg.lstsq(X, lies, rcond=None)[0][0]
    lies[order[10:20]] = 1.99 * shift[order[10:20]]
    return contraction(lies)


def all_hidden():
    """30 % of lies, so placed that the first fit keeps every one: (5) is tight."""
    X, order = design()
    lies, b = np.zeros(3000), 0.3
    c = (1.0 - theory.tail_second(b)) / theory.tail_first(b)
    lies[order[:900]] = X[order[:900], 0] + c * np.sign(X[order[:900], 0])
    return contraction(lies, keep=2100)


def lad():
    return proofs.lad_constant(streams.generator(0).standard_normal((400, 2)), seed=0, trials=100)


# ---------------------------------------------------------------- 2. a quarter


def relu_distance():
    return proofs.relu_distance(np.random.default_rng(1).standard_normal((7, 2)) + [0.5, 0.0], [1.0, 0.3])


def moved_impostor(change):
    """The construction of the nearest unit with another direction w or step t."""
    return patched(PROOFS + "a_quarter._nearest_unit", lambda f: lambda X, u: change(*f(X, u)), "wrong")


TILTED = moved_impostor(lambda shared, w, t: (shared, w + 0.2 * np.roll(w, 1), 0.1 * t))
FAR = moved_impostor(lambda shared, w, t: (shared, w, 4.0 * t))


def coverage():
    X, net = NetProblem(24, 3, balanced=True).draw(0)
    return proofs.coverage(X, net.weights[0])


def symmetric(change=None):
    half = streams.generator(0).standard_normal((200, 3))
    X = np.vstack([half, -half])
    return proofs.factor_two(X if change is None else change(X), [1.0, 0.0, 0.0], seed=0)


KINK = spoilt("points on the kink", lambda: symmetric(lambda X: np.vstack([X, [[0.0, 1, 1], [0, -1, -1]]])))
LOPSIDED = spoilt("no symmetry", lambda: symmetric(lambda X: np.where(X[:, :1] > 0.0, 1.5, 1.0) * X))

TRIO = nets.ReLUSum([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [1, 1, -1])


def plane(n=50):
    return streams.generator(1).standard_normal((n, 2))


def no_flip():
    """Two units: the odd part is not 0."""
    return proofs.identifiability(nets.ReLUSum([[1.0, 0.0], [0.0, 1.0]], [1, -1]), plane())


def not_a_flip():
    """All three units turned round where their signed sum is not 0."""
    net = nets.ReLUSum([[1.0, 0.0], [0.0, 1.0], [1.0, 1.001]], [1, 1, -1])
    with mock.patch(IMPOSTORS + "flips", lambda *_: ((0, 1, 2),)):
        return proofs.identifiability(net, plane())


# ---------------------------------------------------------------- 3. partition, 4. dc


@cache
def points():
    rng = streams.generator(4)
    X = np.column_stack([rng.uniform(-1, 1, (140, 2)), np.ones(140)])
    truth = nets.ReLUSum([[1.2, 0.3, 0.1], [-0.6, 1.0, -0.1], [0.2, -1.1, 0.3]], [1, 1, -1])
    noisy = truth.predict(X) + 0.1 * rng.standard_normal(140)
    return X, noisy, nets.ReLUSum(truth.weights + 0.2 * rng.standard_normal((3, 3)), truth.signs)


@cache
def fitted():
    X, noisy, guess = points()
    bad = corrupt(X, noisy, fraction=0.15, seed=1, adversary=adversaries.GrossOutliers()).y
    return networks.fit_partition(X, bad, signs=guess.signs, keep=112, init="random", seed=3), X, bad


def descent():
    return proofs.descent(*fitted(), seed=0)


def spoilt_fit():
    fit, X, y = fitted()
    return proofs.descent(dataclasses.replace(fit, trace=Trace(objective=1.001 * fit.trace.objective)), X, y, seed=0)


LEAVES = patched(PROOFS + "partition._within_cell", times(100.0), "leaves the cell")


def positive_half(m=9):
    """40 points in two dimensions, 20 active: 9 changes are survived."""
    X, net = NetProblem(40, 2, balanced=True).draw(0)
    y, _ = corrupt(X, net.predict(X), fraction=m / 40, seed=0, adversary=adversaries.ActiveHalf(0.5))
    return proofs.positive_half(X, y, net.weights[0], seed=0)


def majoriser():
    rng = streams.generator(0)
    X, net = rng.standard_normal((80, 2)), nets.ReLUSum([[1.0, 0.0], [0.3, 1.0]], [1, -1])
    y = nets.ReLUSum([[0.5, 1.0], [1.0, -0.5]], [1, -1]).predict(X) + 0.3 * rng.standard_normal(80)
    return proofs.majoriser(X, y, net, seed=0)


def slip(_):
    """The report's: squares of both differences, without the positive parts."""

    def majorant(X, y, s, linear, V):
        bent, flat = np.maximum(X @ V.T, 0.0), linear * (X @ V.T)
        p, q = (bent[:, s > 0].sum(1) + np.maximum(-y, 0), bent[:, s < 0].sum(1) + np.maximum(y, 0))
        p_flat, q_flat = (flat[:, s > 0].sum(1) + np.maximum(-y, 0), flat[:, s < 0].sum(1) + np.maximum(y, 0))
        return float(((p - q_flat) ** 2 + (q - p_flat) ** 2).sum())

    return majorant


def all_linear(_):
    """The term that is subtracted and the one that stays, both linearised."""
    return lambda X, y, s, linear, V: float(((y - (linear * (X @ V.T)) @ s) ** 2).sum())


def thrown(f):
    def minimise(X, y, net):
        found, value = f(X, y, net)
        return nets.ReLUSum(found.weights + 10.0, found.signs), value

    return minimise


def ungrammed(f):
    return lambda patterns, coefs, signs, *, grams=None: f(patterns, coefs, signs)


def fit_regions(coefs=1.0, grams=1.0):
    def wrong(f):
        def fits(*args, **options):
            found = f(*args, **options)
            return found[0], coefs * found[1], grams * found[2]

        return fits

    return patched("robustnn_core.breakdown.regions.fit_regions", wrong)


def merge(stretch=1.0):
    turn = np.deg2rad(45)
    net = nets.ReLUSum([[1.0, 0.0], [np.cos(turn), np.sin(turn)]], [1, -1])
    return proofs.merge(net, share=0.5, X=streams.generator(7).standard_normal((2000, 2)) * [1.0, stretch])


MERGE = "robustnn_core.breakdown.adversaries.Merge.impostor"


def third(f):
    """The impostor of another share."""
    return lambda adversary, net: f(dataclasses.replace(adversary, share=adversary.share / 2), net)


THREE = IMPOSTORS + "three_units"


def other_tau(f):
    return lambda tau: (f(tau)[0], f(1.1 * tau)[1], f(tau)[2])


# ---------------------------------------------------------------- the catalogue

LEDGERS = {
    "half_distance": (
        half_distance,
        {
            "(1)": patched(DISTANCE, more(-1), "one less"),
            "(2)": patched(DISTANCE, lambda f: lambda n, p: f(n, p) // 2, "halved"),
            "(3)": patched(DISTANCE, more(1), "one more"),
            "(4)": patched(THEORY + "breakdown_count", more(1), "one more"),
        },
    ),
    "contraction": (
        contraction,
        {
            "(1)": elsewhere("hidden lies", hidden, tighter(1.02)),
            "(2)": tighter(1.01),
            "(3)": elsewhere("hidden lies", hidden, tighter(1.25)),
            "(4)": elsewhere("hidden lies", hidden, tighter(1.12)),
            "(5)": elsewhere("hidden lies of 30 %", all_hidden, tighter(1.02)),
            "(6)": patched(THEORY + "torrent_contraction", times(2.0**-0.5), "without the 2"),
            "(7)": tighter(1.1),
            "(7) #2": tighter(1.4),
        },
    ),
    "fixed_point": (
        proofs.fixed_point,
        {
            "(1)": patched(THEORY + "tail_second", times(1.01)),
            "(2)": patched(THEORY + "tail_first", times(1.01)),
            "(3)": patched(PROOFS + "what_breaks._constant", times(0.99), "1 % smaller"),
            "(4)": spoilt("b below the constant", lambda: proofs.fixed_point(fraction=0.1)),
            "(5)": spoilt("b below the constant", lambda: proofs.fixed_point(fraction=0.1)),
        },
    ),
    "lad_constant": (
        lad,
        {
            "(1)": patched(PROOFS + "what_breaks._constant", times(1.01), "1 % larger"),
            "(2)": patched(THEORY + "tail_first", times(1.01)),
            "(3)": patched(PROOFS + "what_breaks._constant", times(2.0), "doubled"),
            "(4)": patched(PROOFS + "what_breaks._constant", times(2.0), "doubled"),
        },
    ),
    "relu_distance": (
        relu_distance,
        {
            "(1)": TILTED,
            "(2)": FAR,
            "(3)": TILTED,
            "(4)": patched(THEORY + "relu_distance", more(1), "one more"),
            "(5)": LEAKY,
        },
    ),
    "coverage": (
        coverage,
        {
            "(1)": patched(THEORY + "coverage_limit", more(1), "one more"),
            "(2)": patched(THEORY + "breakdown_count", more(1), "one more"),
            "(3)": patched(THEORY + "best_coverage", more(1), "one more"),
            "(4)": patched(THEORY + "relu_distance", more(-1), "one less"),
        },
    ),
    "factor_two": (
        symmetric,
        {"(1)": KINK, "(2)": LOPSIDED, "(3) b=0.05": LOPSIDED, "(3) b=0.2": LOPSIDED},
    ),
    "identifiability": (
        lambda: proofs.identifiability(TRIO, plane()),
        {
            "(1)": LEAKY,
            "(2)": elsewhere("two units", no_flip, patched("robustnn_core.nets.ReLUSum.predict", leaky, "with a leak")),
            "(3) (0, 1, 2)": spoilt("the sum is not 0", not_a_flip),
            "(4)": spoilt("points on a line", lambda: proofs.identifiability(TRIO, plane() * [1.0, 0.0])),
        },
    ),
    "whole_newton_step": (
        lambda: proofs.whole_newton_step(*points()),
        {"(1)": LEAKY, "(2)": LEAVES, "(3)": LEAKY, "(4)": LEAVES},
    ),
    "infer_is_joint": (
        lambda: proofs.infer_is_joint(*points()),
        {
            "(1)": fit_regions(coefs=1.001),
            "(2)": fit_regions(grams=1.001),
            "(3)": spoilt("eight points", lambda: proofs.infer_is_joint(*points(), kept=np.arange(140) < 8)),
            "(4)": patched("robustnn_core.breakdown.regions.infer", ungrammed, "without Gram weights"),
        },
    ),
    "descent": (
        descent,
        {"1.": BY_CONSTRUCTION, "2.": LEAVES, "end": spoilt("other losses", spoilt_fit)},
    ),
    "positive_half": (
        positive_half,
        {
            "(1)": BY_CONSTRUCTION,
            "(2)": spoilt("one more lie", lambda: positive_half(10)),
            "(3)": BY_CONSTRUCTION,
            "(4)": spoilt("one more lie", lambda: positive_half(10)),
            "(5)": spoilt("one more lie", lambda: positive_half(10)),
            "(6)": spoilt("two more lies", lambda: positive_half(11)),
            "(7)": spoilt("two more lies", lambda: positive_half(11)),
        },
    ),
    "majoriser": (
        majoriser,
        {
            "(1)": patched(
                PROOFS + "dc._majorant", lambda f: lambda X, y, s, linear, V: f(X, y, s, ~linear, V), "other cell"
            ),
            "(2)": patched(PROOFS + "dc._majorant", all_linear, "all linear"),
            "(3)": patched(PROOFS + "dc._majorant", slip, "squares of both"),
            "(4)": patched(
                "robustnn_core.breakdown.networks.trimmed_loss",
                lambda f: lambda net, X, y, *, keep: f(net, X, y, keep=keep + 1),
                "keeps one more",
            ),
            "(5)": patched("robustnn_core.breakdown.experiments.minimise_majoriser", thrown, "thrown off"),
        },
    ),
    "merge": (
        merge,
        {
            "(1)": patched(MERGE, third, "half the share"),
            "(2)": patched(MERGE, lambda f: lambda adversary, net: nets.ReLUSum(1.01 * net.weights, net.signs)),
            "(3)": patched(MERGE, lambda f: lambda adversary, net: net, "the net itself"),
            "(4)": spoilt("not rotation invariant", lambda: merge(2.0)),
        },
    ),
    "three_units": (
        lambda: proofs.three_units(0.2),
        {
            "(1)": patched(THREE, other_tau, "another tau"),
            "(2)": patched(THREE, other_tau, "another tau"),
            "(3)": spoilt("tau = 1", lambda: proofs.three_units(1.0)),
            "(4)": spoilt("tau = 1", lambda: proofs.three_units(1.0)),
            "(4) f'": patched(PROOFS + "curves._exchanged", lambda f: lambda U: U, "the net itself"),
        },
    ),
}


def test_the_catalogue_is_complete():
    assert_listed(proofs, LEDGERS)
    assert_complete(LEDGERS)


@cases(LEDGERS)
def test_every_row_is_killed(name, build, row, how):
    assert_killed(name, build, row, how)
