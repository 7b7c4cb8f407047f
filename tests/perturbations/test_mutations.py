"""The catalogue of the perturbation ledgers: every row of every one, with the change that makes it fail.

The bases are small: two or eight points in the place of the twenty of the page. Two points of different labels at the
edge of (A) that speak *against* each other make most bounds of the theorem tight, two that *help* each other the rest.
"""

import dataclasses
from functools import cache
from unittest import mock

import numpy as np

from robustnn_core import blas, nets
from robustnn_core import perturbations as P
from robustnn_core.perturbations import experiments, kkt, proofs, theory
from robustnn_core.trace import Trace
from tests.mutations import (
    BY_CONSTRUCTION,
    assert_complete,
    assert_killed,
    assert_listed,
    cases,
    edit,
    edited,
    elsewhere,
    patched,
    spoilt,
)

PROOFS, THEORY, KKT = (f"robustnn_core.perturbations.{part}" for part in ("proofs", "theory", "kkt"))


def named(name, mutation):
    return dataclasses.replace(mutation, name=name)


def measure(**factors):
    """What the package says of (A), multiplied; whether it holds is as before."""

    def make(orthogonality):
        def mutant(*args):
            o = orthogonality(*args)
            return dataclasses.replace(o, **{key: factor * getattr(o, key) for key, factor in factors.items()})

        return mutant

    text = ", ".join(f"{key} times {factor:g}" for key, factor in factors.items())
    return named(text, patched(f"{THEORY}.orthogonality", make))


def bound(factor):
    """(A) with its bound multiplied, and decided by that."""

    def make(orthogonality):
        def mutant(*args):
            o = orthogonality(*args)
            return dataclasses.replace(o, bound=factor * o.bound, holds=o.p_max <= factor * o.bound)

        return mutant

    return named(f"(A) with {factor:g} times its bound", patched(f"{THEORY}.orthogonality", make))


def lenient(build):
    """A ledger of data outside (A), let in by a package that doubles the bound."""
    _, make = bound(2.0).argument

    def built():
        with mock.patch(f"{THEORY}.orthogonality", make(theory.orthogonality)):
            return build()

    return spoilt("(A) with 2 times its bound", built)


def times(function, factor, module=KKT):
    """A function multiplied."""
    how = patched(f"{module}.{function}", lambda f: lambda *args, **options: factor * f(*args, **options))
    return named(f"{function} times {factor:g}", how)


def kkt_net(name, change):
    """The KKT net with its weights changed."""

    def make(built):
        return lambda *args, **options: nets.FrozenHeadNet(change(built(*args, **options).weights), args[2])

    return named(name, patched(f"{KKT}.kkt_net", make))


def longer(factor):
    """Perturbations of another length than the ledger is told."""

    def make(perturb):
        return lambda *args, eps, **options: perturb(*args, eps=factor * eps, **options)

    return named(
        f"perturbations {factor:g} times as long", patched("robustnn_core.perturbations.adversaries.perturb", make)
    )


def dropped_term(field):
    def make(terms):
        def mutant(*args, **options):
            found = terms(*args, **options)
            return dataclasses.replace(found, **{field: 0 * getattr(found, field)})

        return mutant

    return named(f"without {field}", patched(f"{KKT}.second_net_terms", make))


MIXED = named(
    "different labels weigh half",
    patched(
        f"{KKT}.pattern_matrix",
        lambda f: lambda G, y, leak: f(G, y, leak) * np.where(np.equal.outer(y, y), 1.0, 0.5),
    ),
)


# --- data ---------------------------------------------------------------------------------------------


def pair(leak, sign=1.0, share=0.99):
    """Two unit points of different labels at ``share`` of what (A) allows: against each other, or (-1) helping."""
    p = sign * share * leak**3 / 6
    return np.array([[1.0, 0.0, 0.0], [p, (1 - p**2) ** 0.5, 0.0]]), np.array([1.0, -1.0])


def outside(ledger):
    """Three points far outside (A), and nobody asks; the solution of M lam = 1 breaks the pattern."""
    X, y = np.array([[0.8, -3.0, -0.3], [1.4, -1.2, 0.1], [1.5, -1.2, 0.8]]), np.array([1.0, -1.0, 1.0])
    measured = theory.orthogonality

    def lax(*args):
        return dataclasses.replace(measured(*args), holds=True)

    def solved(X, y, leak):
        return np.linalg.solve(kkt.pattern_matrix(blas.gram(X), y, leak), np.ones(len(y)))

    with (
        mock.patch.object(theory, "orthogonality", lax),
        mock.patch.object(kkt, "kkt_multipliers", solved),
    ):
        return ledger(X, y)


def loss_to_zero(X, y):
    """All neurons closed at all points of :func:`pair`: the loss falls no faster than the lemma says."""
    return proofs.loss_to_zero(X, y, 0.5, seed=0, weights=-1e-3 * np.tile(X.sum(axis=0), (6, 1)))


def implicit_bias(X, y):
    return proofs.implicit_bias(X, y, 0.97, seed=0)


def outside_a(ledger):
    return spoilt("(A) fails", lambda: outside(ledger))


def helping(mutation):
    return elsewhere("two points that help", lambda: implicit_bias(*pair(0.97, -1.0)), mutation)


@cache
def eight(leak=0.9):
    X, y = experiments.orthogonal(8, 12, 1, norm=2.0)
    noise = np.random.default_rng(1).normal(size=X.shape)
    size = 1.0
    while True:
        o = P.orthogonality(X + size * noise, leak)
        if o.p_max <= 0.9 * o.bound:
            return X + size * noise, y
        size /= 1.5


@cache
def trained(steps=300, start_scale=1e-3, leak=0.9, seed=0):
    return P.train_flow(*eight(leak), leak=leak, steps=steps, seed=seed, start_scale=start_scale)


def flow_limit(**options):
    return lambda: proofs.flow_limit(trained(**options))


def backwards():
    run = trained()
    return proofs.flow_limit(
        dataclasses.replace(run, trace=Trace(**{name: getattr(run.trace, name)[::-1] for name in run.trace.names}))
    )


@cache
def second_data():
    X, y = 2 * np.eye(8), np.tile([1.0, -1.0], 4)
    w = P.direction(X, y, np.ones(8))
    adv = P.adversarial_set(X, y, direction=w, eps=2 / 8**0.5 * 0.9**3 / 12, seed=1)
    return adv, w, np.random.default_rng(0).normal(size=(300, 8))


def second_net(first=None):
    adv, w, Z = second_data()
    return proofs.second_net(adv.base, adv.y, adv.eta, Z, 0.9, first=w if first is None else first)


def second_net_outside():
    """Base points whose inner product is 1.5 times what (A) allows."""
    X, y = pair(0.9, share=1.5)
    return proofs.second_net(X, y, 0 * X, [[1.0, 2.0, 3.0]], 0.9)


TWENTY = experiments.orthogonal(20, 24, 1)


def reflection(kappa, data=TWENTY, function=None):
    return (function or proofs.reflection)(*data, 0.9, kappa=kappa, seed=0)


def unbalanced(kappa=0.1):
    blind = edit(proofs.reflection, "if y.sum() != 0:", "if False:")
    return blind(np.eye(12), [1] * 9 + [-1] * 3, 0.9, kappa=kappa, seed=0)


TRUE, FALSE = np.tile([1.0, 1.0, -1.0, -1.0], 10), np.tile([1.0, -1.0], 20)


def cancellation(X=None, labels=FALSE, function=None):
    return (function or proofs.cancellation)(np.eye(40) if X is None else X, TRUE, labels, 0.5, kappa=0.3)


def unbalanced_labels():
    blind = edit(proofs.cancellation, "labels, s = balanced(y, labels)", "s = y * labels")
    return cancellation(labels=np.where(np.arange(40) < 10, TRUE, -TRUE), function=blind)


def correlated(N):
    """Rows that are not orthogonal."""
    return np.eye(N) + 0.1 * np.random.default_rng(0).normal(size=(N, N))


def unasked(function):
    """A ledger's function that takes any rows for orthogonal ones of one norm."""
    blind = edit(function, "orthogonal_rows(X)", "any_rows(X)")
    blind.__globals__["any_rows"] = lambda X: (blas.gram(X), float(blas.gram(X).diagonal().mean()))
    return blind


def false_half(X=None, leak=0.5, kappa=3.0, function=None):
    return (function or proofs.false_half)(np.eye(40) if X is None else X, TRUE, FALSE, leak, kappa=kappa)


def too_short():
    """kappa below 1/c, where the points with true labels are support vectors too."""
    blind = edit(proofs.false_half, "above=1 / c", "above=0.0")
    return false_half(kappa=1.0, function=blind)


def weak_alignment(X=TWENTY[0], function=None):
    Z = np.random.default_rng(0).normal(size=(50, X.shape[1]))
    Z[0] = TWENTY[1] @ X + 0.01 * Z[0]
    return (function or proofs.weak_alignment)(X, TWENTY[1], Z)


LEDGERS = {
    "loss_to_zero": (
        lambda: loss_to_zero(*pair(0.5)),
        {
            "Z1": outside_a(loss_to_zero),
            "Z2": measure(p_max=0.5),
            "Z3": edited(f"{PROOFS}.loss_to_zero", "c = leak * (o.r_min", "c = (o.r_min"),
            "Z4": edited(f"{PROOFS}.loss_to_zero", "c = leak * (o.r_min", "c = (o.r_min"),
            "Z5": edited(f"{PROOFS}.loss_to_zero", "c = leak * (o.r_min", "c = (o.r_min"),
        },
    ),
    "implicit_bias": (
        lambda: implicit_bias(*pair(0.97)),
        {
            "B1": lenient(lambda: implicit_bias(*pair(0.97, share=1.5))),
            "B2": kkt_net("one weight in a hundred off", lambda W: 1.01 * W),
            "B3": MIXED,
            "B4": measure(r_min=2**0.5),
            "B5": measure(p_max=2.0),
            "B6": measure(r_min=2**0.5),
            "B7": helping(
                edited(f"{PROOFS}.frozen_net._bound_the_multipliers", "lam * square + top * N * p)", "lam * square)")
            ),
            "B8": measure(p_max=2.0),
            "B9": helping(measure(r_max=0.5**0.5)),
            "B10": outside_a(implicit_bias),
            "B11": edited(
                f"{PROOFS}.frozen_net._show_the_pattern",
                "leak * lam * square - (N - 1) * p * top",
                "leak * lam * square",
            ),
            "B12": outside_a(implicit_bias),
            "B13": outside_a(implicit_bias),
            "B14": BY_CONSTRUCTION,
            "B15": edited(f"{PROOFS}.frozen_net._draw_the_boundary", "math.sqrt(m) / 2 *", "math.sqrt(m) *"),
            "B16": edited(f"{PROOFS}.frozen_net._draw_the_boundary", "(1 + leak) / math.sqrt(m)", "1 / math.sqrt(m)"),
            "B17": named(
                "w of one multiplier",
                patched(f"{KKT}.direction", lambda f: lambda X, y, lam: f(X, y, lam * (np.arange(len(lam)) > 0))),
            ),
            "B18": times("kkt_multipliers", 2.0),
        },
    ),
    "flow_limit": (
        flow_limit(),
        {
            "F1": spoilt("two steps from a large start", flow_limit(steps=2, start_scale=10.0)),
            "F2": spoilt("a run read backwards", backwards),
            "F3": spoilt("two steps from a large start", flow_limit(steps=2, start_scale=10.0)),
            "F4": times("kkt_multipliers", 1.001),
            "F5": named(
                "the lower bound times 2.5",
                patched(f"{THEORY}.multiplier_bounds", lambda f: lambda *args: (2.5 * f(*args)[0], f(*args)[1])),
            ),
            "F6": named(
                "the upper bound halved",
                patched(f"{THEORY}.multiplier_bounds", lambda f: lambda *args: (f(*args)[0], f(*args)[1] / 2)),
            ),
            "F7": elsewhere(
                "a large start",
                flow_limit(leak=0.3, start_scale=10.0),
                edited(f"{PROOFS}.flow_limit", "2 * float(", "float("),
            ),
        },
    ),
    "second_net": (
        second_net,
        {
            "G1": lenient(second_net_outside),
            "G2": dropped_term("perturbation"),
            "G3": dropped_term("perturbation"),
            "G4": spoilt("another normal", lambda: second_net(first=np.ones(8))),
            "G5": spoilt("another normal", lambda: second_net(first=np.ones(8))),
            "G6": dropped_term("mislabelled"),
        },
    ),
    "reflection": (
        lambda: reflection(0.1),
        {
            "K1": times("direction", 2.0),
            "K2": longer(2.0),
            "K3": longer(2.0),
            "K4": longer(2.0),
            "K5": bound(0.5),
            "K6": spoilt("labels that do not balance", unbalanced),
            "K7": spoilt("labels that do not balance", unbalanced),
            "K8": longer(20.0),
        },
    ),
    "reflection, kappa = 2": (
        lambda: reflection(2.0),
        {
            "K1": times("direction", 2.0),
            "K2": longer(1.01),
            "K3": longer(1.01),
            "K4": longer(1.01),
            "K5": bound(1e-20),
            "K6": spoilt("labels that do not balance", lambda: unbalanced(2.05)),
            "K7": longer(1.01),
            "K8": longer(0.05),
            "K9": longer(1.01),
        },
    ),
    "cancellation": (
        cancellation,
        {
            "C1": longer(2.0),
            "C2": spoilt("labels that do not balance", unbalanced_labels),
            "C3": MIXED,
            "C4": spoilt(
                "data not orthogonal", lambda: cancellation(X=correlated(40), function=unasked(proofs.cancellation))
            ),
            "C5": times("cancellation", 2.0, THEORY),
        },
    ),
    "false_half": (
        false_half,
        {
            "H1": longer(2.0),
            "H2": spoilt(
                "data far from orthogonal",
                lambda: false_half(X=5 * correlated(40) - 4.5 * np.eye(40), function=unasked(proofs.false_half)),
            ),
            "H3": longer(2.0),
            "H4": longer(2.0),
            "H5": spoilt("kappa below 1/c", too_short),
            "H6": spoilt(
                "a leak below 1/2",
                lambda: false_half(
                    leak=0.1, kappa=1.7, function=edit(proofs.false_half, "at_least=0.5", "at_least=0.0")
                ),
            ),
            "H7": longer(2.0),
            "H8": longer(2.0),
        },
    ),
    "weak_alignment": (
        weak_alignment,
        {
            "A1": times("alignment", 1.01, THEORY),
            "A2": spoilt(
                "data not orthogonal", lambda: weak_alignment(correlated(24)[:20], unasked(proofs.weak_alignment))
            ),
            "A3": spoilt(
                "data not orthogonal", lambda: weak_alignment(correlated(24)[:20], unasked(proofs.weak_alignment))
            ),
        },
    ),
}


def test_the_catalogue_is_complete():
    """Every ledger function of the module is in the catalogue, under its own name, with every row that it has."""
    assert_listed(proofs, LEDGERS)
    assert_complete(LEDGERS)


@cases(LEDGERS)
def test_every_row_can_fail(name, build, row, how):
    assert_killed(name, build, row, how)
