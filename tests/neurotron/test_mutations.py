"""The catalogue of the Neuro-Tron ledgers: every row of every one, with the change that makes it fail.

The base of each entry is the ledger of its page, with fewer runs where the page has hundreds. Where a row is far from
its bound there (a bound for the worst law or the worst direction), the change is made on a second snapshot at which
the step is tight: mostly the net of one weight, at the inputs +-1.
"""

import dataclasses
from functools import cache
from unittest import mock

import numpy as np

from robustnn_core import checks, laws, nets
from robustnn_core.neurotron import adversaries, feasible, proofs, schedules, theory, train, train_sign
from tests.mutations import (
    BY_CONSTRUCTION,
    assert_complete,
    assert_killed,
    assert_listed,
    cases,
    edited,
    elsewhere,
    patched,
    spoilt,
    tighter,
)

PROOFS = "robustnn_core.neurotron.proofs"
THEORY, SCHEDULES = "robustnn_core.neurotron.theory", "robustnn_core.neurotron.schedules"
gate, shoot = nets.SingleFilterNet.gate, proofs.greedy_snapshot


def wrong(**factors):
    """The constants multiplied: m1 to m4 or any field of ``theory.Constants``."""

    def make(constants):
        def mutant(*args, **options):
            c = constants(*args, **options)
            m = tuple(value * factors.get(f"m{j}", 1.0) for j, value in enumerate(c.m, 1))
            rest = {k: f * getattr(c, k) for k, f in factors.items() if k not in ("m1", "m2", "m3", "m4")}
            return dataclasses.replace(c, m=m, **rest)

        return mutant

    text = ", ".join(f"{name} times {factor:g}" for name, factor in factors.items())
    return dataclasses.replace(patched(f"{THEORY}.constants", make), name=text)


def times(function, factor):
    """``theory.function`` multiplied."""
    how = patched(f"{THEORY}.{function}", lambda f: lambda *args, **options: factor * f(*args, **options))
    return dataclasses.replace(how, name=f"{function} times {factor:g}")


def longer(factor):
    """The step of Case I multiplied."""

    def make(schedule):
        def mutant(*args, **options):
            s = schedule(*args, **options)
            return dataclasses.replace(s, eta=factor * s.eta)

        return mutant

    return dataclasses.replace(patched(f"{SCHEDULES}.realizable_schedule", make), name=f"eta times {factor:g}")


SLOPE = dataclasses.replace(
    patched("robustnn_core.nets.leaky_relu", lambda f: lambda z, leak=0.0: f(z, leak + 0.5)), name="leak plus 1/2"
)


class Lopsided(laws.Symmetrised):
    """A law that says it is parity symmetric and is not."""

    def points(self):
        return self.X


def lopsided(shot):
    return dataclasses.replace(shot, law=Lopsided(shot.law.X), xi=shot.xi[:, : len(shot.law.X)])


def lying(shot, factor):
    return dataclasses.replace(shot, xi=factor * shot.xi)


def one_weight(*errors, theta, leak=0.0, truth=1.0):
    """A gate of one weight at the inputs +-1, where most bounds are equations."""
    weights = truth + np.array(errors)[:, None]
    return shoot(gate(1, leak), laws.Symmetrised([[1.0]]), [truth], weights, theta=theta)


# --- the data of the pages ----------------------------------------------------------------------------

THETA = 0.1


def poisoned(theta=0.13):
    """Page 3: a small convolution, half-way through a run against the greedy adversary."""
    net, law = nets.SingleFilterNet.convolution(3, 2, leak=0.1), laws.Symmetrised(laws.Cube(3, 30.0).sample(0, 100))
    run = train(net, law, FILTER, adversary=adversaries.Greedy(0.13), eta=3.7e-6, steps=1500, repeats=20, seed=1)
    return shoot(net, law, FILTER, run.weights, theta=theta)


def negative_leak(theta=0.2):
    """Page 5: overlapping patches and a negative leak."""
    net = nets.SingleFilterNet([[[1, 0, 0], [0, 1, 0]], [[0, 1, 0], [0, 0, 1]]], leak=-0.3)
    law = laws.Symmetrised(laws.Gaussian(3, 1.0).sample(0, 60))
    run = train(net, law, FILTER, adversary=adversaries.Greedy(0.2), eta=0.05, steps=15, repeats=20, seed=2)
    return shoot(net, law, FILTER, run.weights, theta=theta)


def ten_normals():
    """Page 5: one gate on ten normal inputs."""
    law, w_star = laws.Symmetrised(laws.Gaussian(10, 1.0).sample(5, 100)), np.full(10, 10**-0.5)
    run = train(gate(10), law, w_star, adversary=adversaries.Greedy(THETA), eta=0.02, steps=100, repeats=20, seed=4)
    return shoot(gate(10), law, w_star, run.weights, theta=THETA)


def opposite(s=0.5):
    """Page 4: filters far from the truth, and the one opposite it, at a budget for which r is just below its error."""
    truth = np.array([1.0, -0.5, 0.0, 0.3, 0.8])
    spread = 2 * np.random.default_rng(6).standard_normal((40, 5))
    law, theta = laws.Symmetrised(laws.Sphere(5, 2.0).sample(4, 500)), 0.299 * np.linalg.norm(truth)
    return shoot(gate(5, 0.2), law, truth, np.concatenate([[-truth], truth + spread]), theta=theta)


def edge(leak, truth):
    """A gate whose inputs all have |e.x| just above s |e| for s = 1/2, at an error just above r."""
    x = np.array([[0.5001, 0.75**0.5], [0.5001, -(0.75**0.5)]])
    return shoot(gate(2, leak), laws.Symmetrised(x), [truth, 0.0], [[truth + 16.01 / (1 + leak), 0.0]], theta=1.0)


FILTER = np.array([1.0, -0.5])
LETTERS = dict(b=0.3, c1=70.0, c2=0.2, c3=0.003, Delta1=1.25, target=0.036)
SPHERE = laws.Sphere(5, 2.0).sample(0, 2000)
HEXAGON = np.array([[np.cos(t), np.sin(t)] for t in 0.2 + np.pi / 3 * np.arange(6)])
WIDE, CUBE = nets.SingleFilterNet.convolution(8, 4, stride=2), laws.Cube(8, 1.0)


def of_lemma_a1(function=None, **changes):
    letters = LETTERS | {"gamma": 1.2 * (0.036 + 0.2 / 70) / (0.036 - 0.01)} | changes
    return (function or proofs.recursion)(**letters)


def unguarded(**changes):
    """Lemma A.1 with its conditions not asked for, over three steps."""
    with (
        mock.patch.object(checks, "number", lambda value, *args, **options: value),
        mock.patch.object(schedules, "count_steps", lambda *args: 3),
    ):
        return of_lemma_a1(**changes)


@cache
def widest():
    return feasible.widest_pair(HEXAGON, theta=THETA)


def corners(stretch=1.0, cos_phi=0.75**0.5):
    labels = nets.leaky_relu(HEXAGON @ widest().T).mean(axis=1)
    found = feasible.corners(HEXAGON, labels, theta=THETA)
    i, j = np.triu_indices(len(found), 1)
    two = stretch * np.stack([found[i], found[j]], axis=1)
    return proofs.feasible(HEXAGON[:3], two, theta=THETA, cos_phi=cos_phi)


def near_the_mean_patch(net, law):
    trials = net.mean_patch + 0.05 * np.random.default_rng(0).standard_normal((20, *net.mean_patch.shape))
    trials[0] = net.mean_patch
    return proofs.best_m_ledger(net, law, trials)


def unit(n):
    return theory.constants(gate(n), laws.Gaussian(n, 1.0))


def parity(law):
    return proofs.parity(law, a=[1.0, -2.0, 0.5], b=[0.3, 1.0, 1.0], leak=0.1)


# --- second snapshots ---------------------------------------------------------------------------------


def at_one_weight(ledger, mutation, *errors, **options):
    return elsewhere("one weight", lambda: ledger(one_weight(*errors, **options)), mutation)


def case_one(mutation):
    return at_one_weight(proofs.case_one, mutation, 1.0, theta=0.0)


def case_two(mutation, error):
    """One weight at an error of 1/100 of theta, or at theta, where both AM-GM are equations."""
    return elsewhere(
        f"one weight, e = {error:g} theta",
        lambda: proofs.case_two(one_weight(error, theta=1.0, truth=5.0), eta=0.01),
        mutation,
    )


def sharp(mutation, leak, error=1.0, eta=0.01):
    return elsewhere(
        f"one weight, leak {leak:g}, e = {error:g}, eta = {eta:g}",
        lambda: proofs.sharp(one_weight(error, theta=1.0, leak=leak, truth=5.0), eta=eta),
        mutation,
    )


def close_by():
    """Two weights, inputs along the axes, next to the truth: there the noise is that of the lie alone."""
    law = laws.Symmetrised(np.eye(2))
    return proofs.worst(shoot(gate(2), law, [1.0, 0.0], [[1.001, 0.0]], theta=1.0), eta=0.1)


def paper_l6():
    law = laws.Symmetrised(np.random.default_rng(0).normal(size=(8, 1)))
    return proofs.lipschitz(shoot(gate(1, -0.9), law, [0.0], [[1.0]], theta=0.0))


def lied_to(leak=0.0):
    """Page 6: one gate on ten normal inputs on the way, three labels in ten moved by 50; and a run at w = 0."""
    law, w_star = laws.Symmetrised(laws.Gaussian(10, 1.0).sample(5, 100)), np.full(10, 10**-0.5)
    liar = adversaries.WithProbability(adversaries.Greedy(50.0), 0.3)
    run = train_sign(gate(10, leak), law, w_star, adversary=liar, eta=0.02, steps=100, repeats=20, seed=4)
    return shoot(gate(10, leak), law, w_star, np.concatenate([run.weights, np.zeros((1, 10))]), theta=50.0)


def told(build=lied_to, *, delta=0.1, spoil=lambda shot: shot):
    return proofs.unbounded_lies(spoil(build()), probability=0.3, delta=delta)


def of_two_lies(mutation, leak):
    """One weight, where the mean |e.x| is q |e|: the drift of a believed lie is that of the theorem."""
    return elsewhere(
        f"one weight, leak {leak:g}",
        lambda: told(lambda: one_weight(-0.5, 2.0, theta=9.0, leak=leak)),
        mutation,
    )


MORE_LIES = edited(f"{SCHEDULES}.sign_constants", "(1 - 2 * b)", "(1 - 1.9 * b)")

LEDGERS = {
    "parity": (
        lambda: parity(poisoned().law),
        {
            "P1": SLOPE,
            "P2": spoilt("no parity symmetry", lambda: parity(Lopsided(poisoned().law.X))),
            "P3": SLOPE,
        },
    ),
    "lipschitz": (
        lambda: proofs.lipschitz(poisoned()),
        {
            "L1": edited(f"{PROOFS}.lipschitz", "d = nets.leaky_relu(true, leak) - nets.leaky_relu(present, leak)",
                         "d = true - present"),
            "L2": tighter(1.01),
            "L3": elsewhere("leak -0.9", paper_l6, edited(f"{PROOFS}.lipschitz", "max(1.0, abs(leak))", "1 + leak")),
            "L4": tighter(1.01),
            "L5": tighter(1.01),
            "L6": at_one_weight(proofs.lipschitz, wrong(lam3=0.5), 1.0, theta=0.0),
            "L7": tighter(1.2),
        },
    ),
    "recursion": (
        of_lemma_a1,
        {
            "R1": edited(f"{PROOFS}.recursion", "b**2 / c1 * (gamma - 1)", "b**2 / c1 * gamma"),
            "R2": spoilt("c1 < b^2/4", lambda: unguarded(c1=0.2 * 0.3**2, gamma=2.0)),
            "R3": spoilt("gamma < 1", lambda: unguarded(gamma=0.9)),
            "R4": edited(f"{PROOFS}.recursion", "(c2 / c1 + gamma * c3 / b)", "(c2 / c1 + c3 / b)"),
            "R5": edited(f"{PROOFS}.recursion", "A ** np.arange(T)", "A ** np.arange(1, T + 1)"),
            "R6": edited(f"{PROOFS}.recursion", "gamma * (target - c3 / b)", "target - c3 / b"),
            "R7": spoilt("gamma below its bound", lambda: unguarded(gamma=1.2)),
            "R8": patched(f"{SCHEDULES}.count_steps", lambda f: lambda *args: f(*args) - 1),
            "R9": patched(f"{SCHEDULES}.count_steps", lambda f: lambda *args: f(*args) + 1),
        },
    ),
    "case_one": (
        lambda: proofs.case_one(poisoned(0.0)),
        {
            "C1": case_one(wrong(lam1=1.5, a=1.5)),
            "C2": longer(0.5),
            "C3": case_one(wrong(lam1=1.5)),
            "C4": case_one(wrong(m4=0.5)),
            "C5": case_one(wrong(lam1=1.5, a=1.5)),
            "C5 #2": longer(3.0),
        },
    ),
    "case_two": (
        lambda: proofs.case_two(poisoned(), eta=3.7e-6),
        {
            "T1": edited(f"{PROOFS}.proof._one_run", "2 * eta * inner + eta**2", "eta * inner + eta**2"),
            "T2": edited(f"{PROOFS}.proof._one_run", "residual = shot.h + shot.xi", "residual = shot.h - shot.xi"),
            "T3": spoilt("no parity symmetry", lambda: proofs.case_two(lopsided(poisoned()), eta=3.7e-6)),
            "T4": wrong(lam1=2.0),
            "T5": case_two(wrong(m1=0.5), 1.0),
            "T6": case_two(wrong(m1=0.5), 1.0),
            "T7": case_two(wrong(lam2=0.5), 0.01),
            "T8": case_two(wrong(m2=0.5), 0.01),
            "T9": case_two(wrong(m1=0.5), 1.0),
            "T10": case_two(tighter(1.01), 1.0),
            "T11": case_two(tighter(1.01), 1.0),
            "T12": case_two(wrong(m1=0.5), 1.0),
        },
    ),
    "weighted": (
        lambda: proofs.weighted(unit(10), theta=THETA, sizes=[0.01, 0.1, 1.0, 10.0]),
        {
            "W1": tighter(1.01),
            "W2": edited(f"{PROOFS}.weighted", "P**2 / 4", "P**2 / 5"),
            "W3": wrong(c_star=2.0),
            "W4": wrong(c_star=2.0),
            "W5": elsewhere(
                "one weight", lambda: proofs.weighted(unit(1), theta=THETA, sizes=[1.0]), wrong(p=2.0)
            ),
        },
    ),
    "sharp": (
        lambda: proofs.sharp(negative_leak(), eta=0.04),
        {
            "S1": SLOPE,
            "S2": wrong(a=2.0),
            "S3": spoilt("lies above the budget", lambda: proofs.sharp(lying(negative_leak(), 1.1), eta=0.04)),
            "S4": wrong(p=0.5),
            "S5": edited(f"{PROOFS}.sharp", "(1 + leak**2) * (u - v)", "(1 + leak) ** 2 * (u - v)"),
            "S6": sharp(wrong(Q=0.5), 0.0),
            "S7": sharp(wrong(V=0.5), 0.0, 0.01),
            "S8": sharp(wrong(p=0.5), 1.0),
            "S9": sharp(wrong(p=0.5), 1.0),
            "S10": sharp(wrong(a=2.0), 1.0),
            "S10 #2": sharp(wrong(Q=0.5), 1.0),
            "S11": sharp(wrong(Q=0.99), 1.0, eta=1.0),
            "S12": times("sharp_floor", 2.0),
            "S13": times("sharp_floor", 0.5),
            "S14": times("sharp_floor", 0.5),
        },
    ),
    "exactness": (
        lambda: proofs.exactness(ten_normals(), eta=0.02),
        {
            "X1": tighter(1.01),
            "X2": spoilt("no parity symmetry", lambda: proofs.exactness(lopsided(ten_normals()), eta=0.02)),
            "X3": spoilt("half the lie", lambda: proofs.exactness(lying(ten_normals(), 0.5), eta=0.02)),
            "X4": edited(f"{PROOFS}.exactness", "+ eta * shot.theta * push", "+ 2 * eta * shot.theta * push"),
        },
    ),
    "minimax": (
        lambda: proofs.minimax(SPHERE, theta=THETA, direction=[1, 2, 0, 0, -1]),
        {
            "M1": SLOPE,
            "M2": edited(f"{PROOFS}.minimax", "* 4 * theta", "* 8 * theta"),
            "M3": tighter(1.01),
            "M4": BY_CONSTRUCTION,
            "M5": tighter(1.01),
        },
    ),
    "ball": (
        lambda: proofs.ball(SPHERE, [3.0, -1.0, 2.0, 0.0, 1.0], theta=THETA, direction=[0, 1, 0, 1, 0]),
        {
            "N1": tighter(1.01),
            "N2": edited(f"{PROOFS}.ball", "* theta / (L * rho)", "* 2 * theta / (L * rho)"),
            "N3": tighter(1.01),
        },
    ),
    "feasible": (
        corners,
        {
            "F1": spoilt("a pair twice as far apart", lambda: corners(stretch=2.0)),
            "F2": SLOPE,
            "F3": edited(f"{PROOFS}.feasible", "(1 + leak) * seen, 4 * theta", "(1 + leak) * seen, 2 * theta"),
            "F4": spoilt("a sample taken for dense", lambda: corners(cos_phi=1.0)),
            "F5": spoilt("a sample taken for dense", lambda: corners(cos_phi=1.0)),
        },
    ),
    "finite_sample": (
        lambda: proofs.finite_sample(64, 10_000, theta=THETA),
        {
            "H1": edited(f"{PROOFS}.finite_sample", "(2 * k + 1) / (n + 2 * k)", "(2 * k + 1) / (n + k)"),
            "H1 #2": edited(f"{PROOFS}.finite_sample", "(2 * k + 1) / (n + 2 * k)", "(2 * k + 1) / (n - 1 + 2 * k)"),
            "H2": edited(f"{PROOFS}.finite_sample", "tilt**2 / (2 * n)", "tilt**2 / (4 * n)"),
            "H3": edited(f"{PROOFS}.finite_sample", "2 * np.exp(-n * level**2 / 2)", "2 * np.exp(-n * level**2)"),
            "H4": edited(f"{PROOFS}.finite_sample", "s = np.sqrt(2 * np.log(4 * samples)",
                         "s = np.sqrt(np.log(4 * samples)"),
            "H5": edited(f"{PROOFS}.finite_sample", "d = 2 * theta", "d = 4 * theta"),
            "H6": wrong(p=2.0),
        },
    ),
    "allowed": (
        lambda: proofs.allowed(opposite(), s=0.5),
        {
            "Y1": edited(f"{PROOFS}.allowed", "size**2 - moved**2", "size**2 - 2 * moved**2"),
            "Y2": edited(f"{PROOFS}.allowed", "2 * theta + rho * moved", "theta + rho * moved"),
            "Y3": edited(f"{PROOFS}.allowed", "(1 + alpha) / 2 * np.abs(shot.pull", "(1 + alpha) * np.abs(shot.pull"),
            "Y4": edited(f"{PROOFS}.allowed", "(1 + alpha) * s * size / 4", "(1 + alpha) * s * size / 2"),
            "Y5": elsewhere("the edge, both gates open", lambda: proofs.allowed(edge(0.0, 1000.0), s=0.5),
                            edited(f"{PROOFS}.allowed", "seen[far].mean(axis=1) / 2", "seen[far].mean(axis=1)")),
        },
    ),
    "allowed, a linear gate": (
        lambda: proofs.allowed(edge(1.0, 0.0), s=0.5),
        {
            "Y1": spoilt("lies of ten budgets", lambda: proofs.allowed(lying(edge(1.0, 0.0), -10.0), s=0.5)),
            "Y2": edited(f"{PROOFS}.allowed", "2 * theta + rho * moved", "2 * theta + rho * moved / 2"),
            "Y3": tighter(1.01),
            "Y4": tighter(1.01),
            "Y5": edited(f"{PROOFS}.allowed", "(1 + alpha) ** 2 * s**2 / 16", "(1 + alpha) ** 2 * s**2 / 4"),
        },
    ),
    "allowed_sphere": (
        lambda: proofs.allowed_sphere(64, [10, 1e3, 1e4, 1e8]),
        {
            "Y6": edited(f"{PROOFS}.allowed_sphere", "np.sqrt((n - 1) / (1 - level**2))", "np.sqrt(n - 1)"),
            "Y7": edited(f"{PROOFS}.allowed_sphere", "9 / np.pi) / 2", "9 / np.pi)"),
            "Y8": edited(f"{PROOFS}.allowed_sphere", "samples**-0.25 / 2", "samples**-0.25"),
        },
    ),
    "dropped_factor": (
        lambda: proofs.dropped_factor(10, np.geomspace(10.5, 200, 30), delta=0.1),
        {
            "G1": wrong(c_tradeoff=2.0),
            "G2": tighter(1.01),
            "G3": wrong(c_tradeoff=2.0),
            "G4": wrong(c_tradeoff=2.0),
        },
    ),
    "best_m_ledger": (
        lambda: near_the_mean_patch(WIDE, CUBE),
        {
            "B1": tighter(1.01),
            "B2": elsewhere("the best M", lambda: proofs.best_m_ledger(WIDE, CUBE, [theory.best_m(WIDE, CUBE)]),
                            edited(f"{PROOFS}.best_m_ledger", "limit = 1 /", "limit = 2 /")),
            "B3": patched(f"{THEORY}.best_m", lambda f: lambda net, law: net.mean_patch),
            "B4": edited(f"{PROOFS}.best_m_ledger", "(vectors / np.sqrt(values))", "(vectors * np.sqrt(values))"),
        },
    ),
    "regression": (
        lambda: proofs.regression(negative_leak(0.0)),
        {
            "D1": spoilt("no parity symmetry", lambda: proofs.regression(lopsided(negative_leak(0.0)))),
            "D2": spoilt("no parity symmetry", lambda: proofs.regression(lopsided(negative_leak(0.0)))),
        },
    ),
    "unbounded_lies": (
        told,
        {
            "K1": edited(f"{PROOFS}.unbounded_lies", "sign_moves(shot, 0.0), sign", "sign_moves(shot, 0.1), sign"),
            "K2": tighter(1.01),
            "K3": spoilt("no parity symmetry", lambda: told(spoil=lopsided)),
            "K4": of_two_lies(wrong(least=1.01), 0.0),
            "K5": of_two_lies(MORE_LIES, 0.0),
            "K6": spoilt("no parity symmetry", lambda: told(spoil=lopsided)),
            "K7": of_two_lies(MORE_LIES, 0.0),
            "K8": edited(f"{SCHEDULES}.sign_schedule", "16 * B", "15 * B"),
            "K9": edited(f"{SCHEDULES}.sign_schedule", "16 * B", "17 * B"),
            "K10": edited(f"{PROOFS}.unbounded_lies", "(mean(honest)[1] + worst) / 2",
                          "0.6 * mean(honest)[1] + 0.4 * worst"),
        },
    ),
    "unbounded_lies, a leaky gate": (
        lambda: told(lambda: lied_to(0.1)),
        {
            "K1": edited(f"{PROOFS}.unbounded_lies", "sign_moves(shot, 0.0), sign", "sign_moves(shot, 0.1), sign"),
            "K2": tighter(1.01),
            "K3": edited(f"{PROOFS}.unbounded_lies", "(0.5 if shot.net.leak == 0 else 1.0)", "0.5"),
            "K4": of_two_lies(wrong(least=1.01), 0.1),
            "K5": of_two_lies(MORE_LIES, 0.1),
            "K6": edited(f"{SCHEDULES}.sign_constants", "terms * c.V / 2", "c.V / 2"),
            "K7": of_two_lies(MORE_LIES, 0.1),
            "K8": edited(f"{SCHEDULES}.sign_schedule", "(4 * B)", "(8 * B)"),
            "K9": edited(f"{SCHEDULES}.sign_schedule", "16 * B", "17 * B"),
            "K10": edited(f"{PROOFS}.unbounded_lies", "gate * np.sign(shot.pull)", "-gate * np.sign(shot.pull)"),
        },
    ),
    "worst": (
        lambda: proofs.worst(negative_leak(), eta=0.04),
        {
            "U1": spoilt("no parity symmetry", lambda: proofs.worst(lopsided(negative_leak()), eta=0.04)),
            "U2": elsewhere("two weights, e = 0.001", close_by, wrong(V=0.5)),
            "U3": wrong(a=2.0),
            "U4": spoilt("lies above the budget", lambda: proofs.worst(lying(negative_leak(), 1.1), eta=0.04)),
            "U5": edited(f"{PROOFS}.worst", "total + eta * theta", "total + eta * theta / 2"),
            "U6": elsewhere("one weight", lambda: proofs.worst(one_weight(1.0, theta=1.0), eta=0.1), wrong(p=0.5)),
            "U7": edited(f"{PROOFS}.worst", "2 * values - values[0]", "1.5 * values - values[0]"),
        },
    ),
}  # fmt: skip


def test_the_catalogue_is_complete():
    """Every ledger function of the module is in the catalogue, under its own name, with every row that it has."""
    assert_listed(proofs, LEDGERS, helpers=("greedy_snapshot", "one_step", "sign_moves"))
    assert_complete(LEDGERS)


@cases(LEDGERS)
def test_every_row_can_fail(name, build, row, how):
    assert_killed(name, build, row, how)
