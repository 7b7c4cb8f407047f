"""Every row of every ledger of the convex wing, with the change that kills it (see ``tests.mutations``)."""

from dataclasses import replace
from functools import cache

import numpy as np

from robustnn_core import convex, nets
from robustnn_core.convex import datasets, experiments, losses, proofs
from robustnn_core.convex.proofs import bending as proofs_bending
from tests.mutations import (
    assert_complete,
    assert_killed,
    assert_listed,
    cases,
    edited,
    elsewhere,
    patched,
    shifted,
    spoilt,
    tighter,
)

CONVEX = "robustnn_core.convex."
DUAL = {loss: CONVEX + f"losses.{type(own).__name__}.dual" for loss, own in losses.LOSSES.items()}


def times(factor):
    return lambda f: lambda *args, **options: factor * f(*args, **options)


def part(index, change):
    """One of the results changed."""

    def wrong(f):
        def made(*args, **options):
            found = list(f(*args, **options))
            found[index] = change(found[index])
            return tuple(found)

        return made

    return wrong


# ---------------------------------------------------------------- 1. hidden convexity


@cache
def twelve():
    inputs = np.linspace(-1, 1, 12)
    X = np.column_stack([inputs, np.ones(12)])
    y = np.sin(4 * inputs) + 0.3 * np.random.default_rng(3).standard_normal(12)
    return X, y, convex.fit(X, y, convex.enumerate_patterns(X), beta=0.05, gap=1e-7)


def hidden(units=30, **changed):
    X, y, fit = twelve()
    return proofs.hidden_convexity(X, y, replace(fit, **changed), seed=1, units=units)


def turned():
    """Blocks on the other side of their cells."""
    return hidden(v=-twelve()[2].v)


def other_net():
    net = twelve()[2].net
    return hidden(net=nets.ReLUSum(1.01 * net.weights, net.signs))


def not_dual():
    X, y, fit = twelve()
    return hidden(dual=fit.dual + 1e-3 * y)


def early():
    """A fit that stopped at a gap of 1 %, with the bracket that belongs to it."""
    X, y, fit = twelve()
    return proofs.hidden_convexity(X, y, convex.fit(X, y, fit.patterns, beta=0.05, gap=1e-2), seed=1)


def next_cell(f):
    """Every unit is put into the cell after its own."""

    def keys(active):
        found = f(active)
        return found[1:] + found[:1] if active is twelve()[2].patterns.active else found

    return keys


REDUCE = CONVEX + "proofs.hidden_convexity.reduce_blocks"
REDUCE_DRAWS = CONVEX + "proofs.sampling.reduce_blocks"
MISPLACED = patched(CONVEX + "patterns.keys", next_cell, "of another cell")

# ---------------------------------------------------------------- 2. sampling


@cache
def tiny():
    rng = np.random.default_rng(0)
    teacher = nets.ReLUSum(rng.standard_normal((6, 5)), [1, 1, 1, -1, -1, -1])
    X = np.column_stack([rng.standard_normal((60, 4)), np.ones(60)])
    y = (teacher.predict(X) + 0.3 * rng.standard_normal(60))[:12]
    X = X[:12, 2:]
    start = convex.fit(X, y, convex.sample_patterns(X, 8, seed=2), beta=0.1)
    return X, y, start, convex.refine(X, y, start, seed=0, gap=1e-5)


def certified():
    X, y, _, best = tiny()
    return proofs.global_certificate(X, y, best, seed=0, trials=50)


def sampled():
    X, y, start, _ = tiny()
    return proofs.global_certificate(X, y, start, seed=0, trials=50)


def unscaled(f):
    """The price is not taken into account."""
    return lambda loss, z, y, top: f(loss, z, y, np.inf)


def essential():
    rng = np.random.default_rng(0)
    return proofs.few_essential(rng.standard_normal((5, 3)), rng.standard_normal(5), rng.standard_normal((3, 12)), 0.05)


def both_essential():
    """Two points, and two draws that see one of them each."""
    return proofs.few_essential(np.eye(2), [1.0, 1.0], [[1.0, -1.0], [-1.0, 1.0]], 0.1)


def without_the_longest(f):
    def reduce(X, y, fit):
        small = f(X, y, fit)
        lost = np.linalg.norm(np.hstack([small.v, small.w]), axis=0).argmax() % small.v.shape[1]
        keep = np.arange(small.v.shape[1]) != lost
        return replace(small, v=small.v * keep, w=small.w * keep)

    return reduce


# ---------------------------------------------------------------- 3. solvers


@cache
def forty(loss="squared"):
    X, y, patterns = datasets.problem(40, 5, 8, seed=1)
    return X, y if loss == "squared" else np.sign(y - np.median(y)), patterns


@cache
def fitted(tol=1e-8):
    X, y, patterns = forty()
    return convex.fit(X, y, patterns, beta=0.3, gap=tol)


def strong(fit=None, **changed):
    X, y, _ = forty()
    return proofs.strong_duality(X, y, replace(fitted() if fit is None else fit, **changed))


@cache
def sorter():
    X, y, patterns = forty("hinge")
    return convex.fit(X, y, patterns, beta=0.01, loss="hinge", gap=1e-8)


def certificate(noise=0.1, **changed):
    X, y, _ = forty("hinge")
    return proofs.certificate(X, y, replace(sorter(), **changed), noise=noise, seed=0)


def outside():
    """Blocks that follow the dual point out of their cones."""
    X, _, patterns = forty("hinge")
    return certificate(v=X.T @ (patterns.active * sorter().dual[:, None]))


def exact():
    """Certificates of the solution itself."""
    return certificate(0.0)


UPPER = CONVEX + "dense.upper_certificate"


def half_shift(f):
    return lambda X, y, patterns, beta, loss, U: part(1, lambda V: 0.5 * (U + V))(f)(X, y, patterns, beta, loss, U)


def one_sided(f):
    """Only the positive blocks are moved."""

    def certificate(X, y, patterns, beta, loss, U):
        P = patterns.count
        return part(1, lambda V: np.concatenate([V[:P], U[P:]]))(f)(X, y, patterns, beta, loss, U)

    return certificate


BLOCKS = CONVEX + "dense.blocks"
STRUCTURED = CONVEX + "dense.newton_structured"
COUPLED = patched(BLOCKS, part(0, lambda F: 2.0**0.5 * F), "longer")
SIGNED = patched(BLOCKS, part(1, lambda G: 0.5 * (G + np.abs(G))), "of one sign")


def conjugate(loss):
    y = forty(loss)[1]
    one = y[:1]
    return (
        lambda: proofs.conjugate(loss, y, seed=0),
        {
            "(1)": elsewhere(
                "one point", lambda: proofs.conjugate(loss, one, seed=0), patched(DUAL[loss], times(1.05), "5 % larger")
            ),
            "(2)": patched(DUAL[loss], times(1.001), "1e-3 larger"),
        },
    )


def complementarity(loss):
    X, y, patterns = forty(loss)
    return (
        lambda: proofs.gap_is_complementarity(X, y, patterns, beta=0.3, loss=loss, seed=0),
        {"(1)": patched(DUAL[loss], times(1.001), "1e-3 larger")},
    )


def admm_steps(loss):
    X, y, patterns = forty(loss)
    return (
        lambda: proofs.admm_steps(X, y, patterns, beta=0.1, loss=loss, seed=0),
        {
            "(1)": patched(STRUCTURED, lambda f: lambda X, patterns, H, delta, g: f(X, patterns, H, 1.01 * delta, g)),
            "(2)": patched(
                CONVEX + "proofs.solvers._shrunk", lambda f: lambda q, level: f(q, 1.1 * level), "by 10 % more"
            ),
            "(3)": patched(CONVEX + "proofs.solvers._clipped", lambda f: np.abs, "replaced by the modulus"),
            "(4)": patched(
                CONVEX + f"losses.{type(losses.get(loss)).__name__}.prox",
                lambda f: lambda loss, q, y, weight, start: f(loss, q, y, 1.1 * weight, start),
            ),
        },
    )


# ---------------------------------------------------------------- 4. robust


@cache
def boxes(loss="hinge"):
    X, y = datasets.plane("random", 10, 3, separation=0.3)
    return (
        X,
        y,
        convex.fit_robust(X, y, experiments.gates(X, 40, 0, bias=-1), beta=0.01, radius=0.1, bias=-1, loss=loss),
    )


def robust(loss):
    X, y, fit = boxes(loss)

    def build(**changed):
        return proofs.robust_certificate(replace(fit, **changed), X, y)

    larger = spoilt("boxes 10 % larger", lambda: build(radius=1.1 * fit.radius))
    longer = nets.ReLUSum(1.01 * fit.net.weights, fit.net.signs)
    return (
        build,
        {
            "C1": larger,
            "C2": larger,
            "C3": spoilt("a patternless net", lambda: build(net=longer)),
            "C4": spoilt("a longer net", lambda: build(net=longer)),
            "C5": tighter(1.01),
        },
    )


def worst(loss):
    X, y, _ = boxes()

    def build():
        return proofs.worst_case([0.7, -1.3, 0.2], X, y, radius=0.1, bias=-1, loss=loss)

    half = patched(
        CONVEX + "proofs.robust._corners", lambda f: lambda e: f(e)[2 ** (np.count_nonzero(e) - 1) :], "halved"
    )
    further = patched(CONVEX + "proofs.robust._corners", lambda f: lambda e: 1.01 * f(e), "1 % further out")
    return build, {"W1": further, "W2": half, "W3": further}


def example(change):
    return patched(CONVEX + "proofs.robust._width_example", lambda f: lambda: change(*f()), "changed")


# ---------------------------------------------------------------- 5. bending

BEND = CONVEX + "proofs.bending."
MARGINS = CONVEX + "_bending_rows.Rows.margins"


@cache
def bent_data():
    rng = np.random.default_rng(0)
    net = nets.ReLUSum(rng.standard_normal((5, 3)), [1, -1, 1, -1, 1])
    X = rng.standard_normal((8, 3))
    X[:, 2] = 1.0
    return net, X, rng.choice([-1.0, 1.0], 8), rng.uniform(0, 1, (8, 5))


def bent(radius=0.5, norm="linf"):
    return proofs_bending.bending_bound(*bent_data(), radius=radius, bias=2, norm=norm)


def one_unit():
    """One unit that opposes, its chord: the bound is the least value."""
    net = nets.ReLUSum([[1.0, 0.5, 0.1]], [-1])
    return proofs_bending.bending_bound(net, [[0.2, 0.0, 1.0]], [1.0], [[0.75 / 0.9]], radius=0.3, bias=2)


def bent_squared():
    net, X, y, _ = bent_data()
    return proofs_bending.bending_squared(net, X, y, radius=0.5, bias=2)


def stable_squared():
    """No unit changes its sign: the bounds are the range."""
    net, X, y, _ = bent_data()
    return proofs_bending.bending_squared(net, X, y, radius=1e-3, bias=2)


def relaxed():
    net, X, y, _ = bent_data()
    return proofs_bending.relaxation(net, X, y, radius=0.5, bias=2)


def stable_relaxed():
    net, X, y, _ = bent_data()
    return proofs_bending.relaxation(net, X, y, radius=1e-3, bias=2)


def higher(amount):
    return lambda f: lambda *args: f(*args) + amount


def wider(f):
    """Bounds that are too good by 1e-3."""

    def bounds(*args, **options):
        found = f(*args, **options)
        return replace(found, low=found.low + 1e-3, reached=found.reached - 1e-1)

    return bounds


@cache
def robust_eight(loss="hinge"):
    rng = np.random.default_rng(0)
    X, y = np.column_stack([rng.uniform(-1, 1, (8, 2)), np.ones(8)]), rng.choice([-1.0, 1.0], 8)
    return (
        X,
        y,
        convex.fit_robust(X, y, convex.sample_patterns(X, 15, seed=0), beta=0.02, radius=0.03, bias=2, loss=loss),
    )


def not_worse(**changed):
    X, y, fit = robust_eight()
    return proofs_bending.never_worse(replace(fit, **changed), X, y)


@cache
def gated_twelve():
    rng = np.random.default_rng(1)
    X, y = np.column_stack([rng.uniform(-1, 1, (12, 2)), np.ones(12)]), rng.choice([-1.0, 1.0], 12)
    patterns = convex.sample_patterns(X, 15, seed=0)
    return X, y, convex.fit_gated(X, y, patterns, beta=0.2), convex.fit(X, y, patterns, beta=0.2)


def bracketed(**changed):
    X, y, fit, reference = gated_twelve()
    return proofs_bending.gated_bracket(replace(fit, **changed), X, y, reference=reference)


BENDING = {
    "bending_bound": (
        bent,
        {
            "agree": edited(BEND + "bending_bound", 'z_+", c * z', 'z_+", 1.5 * c * z'),
            "oppose": shifted(),
            "t": patched(BEND + "norm_of", times(0.9), "10 % smaller"),
            "q": patched(BEND + "norm_of", times(0.9), "10 % smaller"),
            "m": elsewhere("one unit", one_unit, patched(MARGINS, higher(0.01), "higher by .01")),
            "concave": edited(
                BEND + "bending_bound", "0.5 * (first + second), half", "0.5 * (first + second) + 0.01, half"
            ),
            "used": spoilt("no radius", lambda: bent(radius=0.0)),
        },
    ),
    "bending_squared": (
        bent_squared,
        {
            "low": elsewhere("stable units", stable_squared, patched(MARGINS, higher(0.01), "higher by .01")),
            "high": elsewhere("stable units", stable_squared, patched(MARGINS, higher(0.01), "higher by .01")),
            "far": elsewhere("stable units", stable_squared, patched(MARGINS, higher(0.01), "higher by .01")),
        },
    ),
    "relaxation": (
        relaxed,
        {
            "any": elsewhere("stable units", stable_relaxed, patched(MARGINS, higher(0.01), "higher by .01")),
            "pass": elsewhere("stable units", stable_relaxed, patched(CONVEX + "verify.net_bounds", wider, "too good")),
            "best": patched(CONVEX + "verify.net_bounds", wider, "too good"),
            "exact": elsewhere(
                "stable units", stable_relaxed, patched(CONVEX + "verify.net_bounds", wider, "too good")
            ),
        },
    ),
    "never_worse": (
        not_worse,
        {
            "t": spoilt("a larger radius", lambda: not_worse(radius=2.0 * robust_eight()[2].radius)),
            "m": spoilt("blocks turned round", lambda: not_worse(v=-robust_eight()[2].v)),
            "p": spoilt("another objective", lambda: not_worse(objective=0.5 * robust_eight()[2].objective)),
            "f": spoilt("another objective", lambda: not_worse(objective=0.5 * robust_eight()[2].objective)),
        },
    ),
    "gated_bracket": (
        bracketed,
        {
            "d": spoilt("too high a bound", lambda: bracketed(lower_bound=2.0 * gated_twelve()[3].objective)),
            "p": spoilt("too small an objective", lambda: bracketed(objective=0.9 * gated_twelve()[3].lower_bound)),
            "D": spoilt("longer blocks", lambda: bracketed(v=1.01 * gated_twelve()[2].v)),
            "E": spoilt("blocks turned round", lambda: bracketed(w=-gated_twelve()[2].w)),
            "rho": spoilt("larger margins", lambda: bracketed(margins=30.0 * gated_twelve()[2].margins)),
            "width": spoilt("larger margins", lambda: bracketed(margins=30.0 * gated_twelve()[2].margins)),
        },
    ),
}

# ---------------------------------------------------------------- the catalogue

LEDGERS = {
    "hidden_convexity": (
        hidden,
        {
            "(1)": spoilt("blocks turned round", turned),
            "(1) #2": spoilt("another objective", lambda: hidden(objective=1.0001 * twelve()[2].objective)),
            "(2)": MISPLACED,
            "(3)": MISPLACED,
            "(4)": elsewhere("one unit", lambda: hidden(units=1), tighter(1.01)),
            "(5)": spoilt("another net", other_net),
            "(6)": spoilt("no dual point", not_dual),
            "n": patched(REDUCE, lambda f: lambda X, y, fit: fit, "keeps all"),
        },
    ),
    "global_certificate": (
        certified,
        {
            "(1)": patched(DUAL["squared"], times(1.01), "1 % larger"),
            "(2)": patched(
                CONVEX + "price.price_all",
                lambda f: lambda *a: replace(f(*a), bound=0.9 * f(*a).bound),
                "too low",
            ),
            "(2) #2": elsewhere(
                "eight draws", sampled, patched(CONVEX + "losses.Squared.scale", unscaled, "not scaled")
            ),
            "bound": patched(DUAL["squared"], times(1.01), "1 % larger"),
        },
    ),
    "few_essential": (
        essential,
        {
            "(2)": patched(REDUCE_DRAWS, lambda f: lambda X, y, fit: replace(fit, v=fit.v + 1e-3), "lengthens all"),
            "(2) #2": elsewhere(
                "two draws", both_essential, patched(REDUCE_DRAWS, without_the_longest, "loses a block")
            ),
            "(2) #3": elsewhere("two draws", both_essential, tighter(1.01)),
        },
    ),
    "block_structure": (
        lambda: proofs.block_structure(forty()[0], forty()[2], seed=0),
        {
            "(1)": SIGNED,
            "(2)": COUPLED,
            "(3)": SIGNED,
            "(4)": patched(STRUCTURED, lambda f: lambda X, patterns, H, delta, g: f(X, patterns, H, 1.001 * delta, g)),
        },
    ),
    **{f"conjugate, {loss}": conjugate(loss) for loss in losses.NAMES},
    "strong_duality": (
        strong,
        {
            "(1)": spoilt("a larger dual point", lambda: strong(dual=1.0001 * fitted().dual)),
            "(2)": spoilt("a shorter dual point", lambda: strong(dual=0.9999 * fitted().dual)),
            "(3)": spoilt("a fit that stopped at 1 %", lambda: strong(fitted(1e-2))),
        },
    ),
    "certificate": (
        certificate,
        {
            "(1)": elsewhere("no noise", exact, patched(CONVEX + "losses.Hinge.floor", times(1.01), "1 % larger")),
            "(2)": spoilt("blocks outside their cones", outside),
            "(3)": patched(CONVEX + "losses.Hinge.scale", unscaled, "not scaled"),
            "(4)": patched(UPPER, half_shift, "half a shift"),
            "(5)": patched(UPPER, one_sided, "of one sign"),
            "(6)": tighter(1.01),
            "(7)": elsewhere(
                "no noise",
                exact,
                patched(CONVEX + "dense.lower_certificate", part(0, lambda low: 1.01 * low), "1 % larger"),
            ),
        },
    ),
    **{f"gap_is_complementarity, {loss}": complementarity(loss) for loss in ("squared", "logistic")},
    **{f"admm_steps, {loss}": admm_steps(loss) for loss in losses.NAMES},
}

ROBUST = {
    **{f"robust_certificate, {loss}": robust(loss) for loss in ("hinge", "logistic", "squared")},
    **{f"worst_case, {loss}": worst(loss) for loss in ("hinge", "squared")},
    "width_loss": (
        lambda: proofs.width_loss(0),
        {
            "V1": example(lambda rows, e, v: (np.abs(rows), e, v)),
            "V2": example(lambda rows, e, v: (rows, e + [0.0, 0.05], v)),
            "V3": example(lambda rows, e, v: (rows, e, 0.0 * v)),
        },
    ),
}


def test_the_catalogue_is_complete():
    assert_listed(proofs, {**LEDGERS, **ROBUST, **BENDING})
    assert_complete(LEDGERS)
    assert_complete(ROBUST)
    assert_complete(BENDING)


@cases(LEDGERS)
def test_every_row_is_killed(name, build, row, how):
    assert_killed(name, build, row, how)


@cases(ROBUST)
def test_every_row_of_the_robust_ledgers_is_killed(name, build, row, how):
    assert_killed(name, build, row, how)


@cases(BENDING)
def test_every_row_of_the_bending_ledgers_is_killed(name, build, row, how):
    assert_killed(name, build, row, how)


def test_a_fit_that_stopped_early_fails():
    """The tolerance is not taken from the gap of the fit that is checked."""
    assert not all(row.holds for row in early().rows if row.label == "(6)")
    assert not any(row.holds for row in strong(fitted(1e-2)).rows if row.label in ("(2)", "(3)"))
