"""Every ledger holds on whatever data; that every row can fail is in ``test_mutations.py``."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from robustnn_core import laws, nets
from robustnn_core.neurotron import adversaries as adv
from robustnn_core.neurotron import experiments, proofs, theory, train
from tests.neurotron import reference

LEAKS = st.floats(-0.9, 2.0)
often = settings(max_examples=25, deadline=None, derandomize=True)


@st.composite
def snapshots(draw, theta=None, leaks=LEAKS, gate=False, with_m=True):
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    r = draw(st.integers(1, 3))
    n = r if gate else r + draw(st.integers(0, 2))
    leak = draw(leaks)
    net = (
        nets.SingleFilterNet.gate(r, leak)
        if gate
        else nets.SingleFilterNet(rng.normal(size=(draw(st.integers(1, 3)), r, n)), leak)
    )
    law = laws.Symmetrised(rng.normal(size=(draw(st.integers(n, 8)), n)) * draw(st.sampled_from([0.2, 1.0, 5.0])))
    M = net.mean_patch + (0.2 * rng.normal(size=(r, n)) if with_m and not gate else 0.0)
    c = theory.constants(net, law, M)
    assume(c.lam1 > 1e-3 * c.lam2 * c.m[1])
    w_star = rng.normal(size=r)
    weights = w_star + rng.normal(size=(4, r)) * draw(st.sampled_from([0.01, 1.0, 20.0]))
    theta = draw(st.sampled_from([0.0, 0.1, 3.0])) if theta is None else theta
    return proofs.greedy_snapshot(net, law, w_star, weights, theta=theta, M=M)


@pytest.fixture
def shot():
    """A fixed snapshot: the ends of a real run, and errors along the eigenvectors of the drift."""
    rng = np.random.default_rng(4)
    net, law = nets.SingleFilterNet(rng.normal(size=(2, 2, 3)), 0.1), laws.Symmetrised(rng.normal(size=(12, 3)))
    w_star = np.array([1.0, -0.5])
    c = theory.constants(net, law)
    run = train(net, law, w_star, adversary=adv.Greedy(0.2), eta=c.best_eta / 2, steps=100, repeats=8, seed=0)
    B = net.mean_patch @ law.second_moment() @ net.mean_patch.T
    axes = np.linalg.eigh(B)[1].T
    return proofs.greedy_snapshot(
        net,
        law,
        w_star,
        np.concatenate([run.weights, w_star + axes, w_star - 3 * axes, w_star + 1e-4 * axes]),
        theta=0.2,
    )


def gate_shot(theta=0.2):
    rng = np.random.default_rng(5)
    net, law = nets.SingleFilterNet.gate(3, 0.1), laws.Symmetrised(rng.normal(size=(10, 3)))
    return proofs.greedy_snapshot(net, law, [1.0, 0.0, -1.0], rng.normal(size=(5, 3)), theta=theta)


# --- every ledger holds -------------------------------------------------------------------------------


@often
@given(snapshots(), st.floats(0.05, 0.95))
def test_the_ledgers_of_both_theorems_hold(shot, share):
    c = shot.constants
    proofs.lipschitz(shot).assert_holds()
    proofs.sharp(shot, eta=share * c.a / c.Q).assert_holds()
    proofs.weighted(c, theta=max(shot.theta, 0.01), sizes=np.maximum(shot.size, 1e-9)).assert_holds()
    proofs.regression(shot).assert_holds() if np.linalg.matrix_rank(shot.X @ shot.net.mean_patch.T) == len(
        shot.w_star
    ) else None


@often
@given(snapshots(), st.floats(0.05, 0.5))
def test_the_ledger_of_the_worst_holds(shot, share):
    c, C = shot.constants, shot.net.mean_patch @ shot.law.second_moment() @ shot.net.mean_patch.T
    assume(c.a**2 > 1e-2 * c.Q and np.linalg.cond(C) < 1e6)  # else thousands of powers
    proofs.worst(shot, eta=share * c.a / c.Q).assert_holds()


def test_the_worst_of_a_clock_is_what_the_exact_mean_says():
    """The mean error under the lie with a clock, stepped exactly, is the sum in the proposition."""
    rng = np.random.default_rng(3)
    X, eta, theta, T = rng.normal(size=(6, 2)), 0.05, 0.3, 400
    law, M, u = laws.Symmetrised(X), np.array([[1.0, 0.0], [0.7, 1.0]]), np.array([0.6, 0.8])
    points, B = law.points(), M @ law.second_moment() / 2
    power = [np.linalg.matrix_power(np.eye(2) - eta * B, j) for j in range(T)]
    mean = np.array([1.0, -2.0])
    for t in range(T):
        lies = theta * np.sign(points @ M.T @ power[T - 1 - t].T @ u)
        mean = mean - eta * B @ mean + eta * (lies[:, None] * (points @ M.T)).mean(axis=0)
    total = sum(eta * theta * np.abs(points @ M.T @ P.T @ u).mean() for P in power)
    start = u @ np.linalg.matrix_power(np.eye(2) - eta * B, T) @ [1.0, -2.0]
    assert u @ mean == pytest.approx(total + start, abs=1e-12)


@often
@given(snapshots(leaks=st.floats(0, 1)), st.floats(0.01, 3))
def test_the_ledger_of_case_two_holds(shot, share):
    proofs.case_two(shot, eta=share * shot.constants.a / shot.constants.Q).assert_holds()


@often
@given(snapshots(theta=0.0, leaks=st.floats(0, 1)), st.floats(1.1, 8))
def test_the_ledger_of_case_one_holds(shot, gamma):
    proofs.case_one(shot, gamma=gamma).assert_holds()


@often
@given(snapshots(gate=True), st.floats(0.01, 2))
def test_the_ledger_of_exactness_holds(shot, share):
    proofs.exactness(shot, eta=share / shot.constants.a).assert_holds()


@often
@given(snapshots(gate=True, leaks=st.sampled_from([0.0, 0.3, 1.0])), st.floats(0, 0.49), st.integers(0, 100))
def test_the_ledger_of_unbounded_lies_holds(shot, b, seed):
    """Whatever the lies are; with runs at 0 and on the edges of gates, where inputs are neither in nor out."""
    rng = np.random.default_rng(seed)
    flat = np.linalg.qr(np.concatenate([shot.X[:1], rng.normal(size=shot.X.shape)]).T)[0].T[1:]  # at right angles to x
    weights = np.concatenate([shot.weights, 0 * shot.weights[:1], flat, np.eye(len(shot.w_star))])
    shot = proofs.greedy_snapshot(shot.net, shot.law, shot.w_star, weights, theta=1.0)
    lies = rng.choice([1e-3, 1.0, 1e200], size=shot.xi.shape)
    for xi in (lies * shot.xi, -lies * shot.xi, lies * rng.choice([-1.0, 1.0], size=shot.xi.shape)):
        proofs.unbounded_lies(dataclasses.replace(shot, xi=xi), probability=b, delta=0.3).assert_holds()


@pytest.mark.parametrize("leak", [0.0, 0.3])
def test_the_moves_of_a_snapshot_are_those_of_the_loop(leak):
    """Lattice inputs and weights: many of them meet at right angles."""
    law = laws.Symmetrised([[1.0, 0, 1], [0, 1, -1], [0, 0, 2], [1, 1, 1], [0, 0, 0]])
    weights = np.array([[0.0, 0, 0], [1, 0, -1], [1, 0, 0], [0, 1, 1]])
    shot = proofs.greedy_snapshot(nets.SingleFilterNet.gate(3, leak), law, [1.0, -1.0, 0.0], weights, theta=3.0)
    for xi, theta in ((0.0, 0.0), (shot.xi, 3.0)):
        moves, answer = proofs.sign_moves(shot, xi), reference.greedy(theta, shot.w_star)
        for i, w in enumerate(weights):
            for j, x in enumerate(law.points()):
                path = reference.sign_repeat(np.eye(3), leak, shot.w_star, w, [x], 1.0, 1.0, answer)
                np.testing.assert_array_equal(path[1] - path[0], moves[i, j] * x)


@often
@given(snapshots(with_m=False), st.integers(0, 100))
def test_the_ledger_of_the_best_m_holds(shot, seed):
    gram = np.linalg.eigvalsh(shot.net.mean_patch @ shot.law.second_moment() @ shot.net.mean_patch.T)
    assume(gram[0] > 1e-4 * gram[-1])
    rng = np.random.default_rng(seed)
    Ms = shot.net.mean_patch + rng.uniform(0, 3, size=(30, 1, 1)) * rng.normal(size=(30, *shot.net.mean_patch.shape))
    proofs.best_m_ledger(shot.net, shot.law, np.concatenate([Ms, shot.net.mean_patch[None]])).assert_holds()


@often
@given(st.integers(0, 10**6), st.floats(-2, 2))
def test_parity_holds_for_every_leak(seed, leak):
    rng = np.random.default_rng(seed)
    law = laws.Symmetrised(rng.normal(size=(6, 3)))
    a, b = rng.normal(size=(2, 3))
    ledger = proofs.parity(law, a, b, leak=leak).assert_holds()
    plain = np.mean([reference.sigma(float(a @ x), leak) * float(b @ x) for x in law.points()])
    assert ledger.rows[-1].lhs == pytest.approx(plain)


@often
@given(
    st.floats(0.1, 10), st.floats(0.3, 100), st.floats(0, 1), st.floats(0, 1), st.floats(1.05, 4), st.floats(0.1, 0.9)
)
def test_lemma_a1_holds(b, ratio, c2, c3, slack, share):
    c1 = ratio * b**2  # A >= 0 needs b^2 <= 4 c1, and the lemma's step is small
    target = share
    c3 = 0.5 * c3 * b * target
    gamma = max(slack * (target + c2 / c1) / (target - c3 / b), 1.05)
    proofs.recursion(
        b=b, c1=c1, c2=c2 + 1e-6, c3=c3 + 1e-6, Delta1=1.0, target=target, gamma=gamma * 1.01
    ).assert_holds()


@often
@given(st.integers(0, 10**6), st.floats(0, 1), st.floats(0.01, 5))
def test_the_two_point_bound_holds(seed, leak, theta):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(20, 3))
    X *= 2.5 / np.linalg.norm(X, axis=1, keepdims=True)
    proofs.minimax(X, theta=theta, direction=rng.normal(size=3), leak=leak).assert_holds()


@often
@given(snapshots(gate=True, leaks=st.floats(0, 1)), st.floats(0.02, 0.95), st.integers(0, 100))
def test_the_ledger_of_the_closest_allowed_filter_holds(shot, s, seed):
    """Whatever the labels are within the budget, not only the greedy ones; inputs of any length."""
    xi = shot.theta * np.random.default_rng(seed).uniform(-1, 1, size=shot.xi.shape)
    for lies in (xi, shot.xi, -shot.xi):
        try:
            ledger = proofs.allowed(dataclasses.replace(shot, xi=lies), s=s)
        except ValueError as error:  # all runs too near, or no input in the caps
            assert str(error).startswith(("shot has no run", "s = "))
        else:
            ledger.assert_holds()


@pytest.mark.parametrize("n", [2, 3, 10, 300])
def test_the_ledger_of_the_caps_holds(n):
    proofs.allowed_sphere(n, np.geomspace(4, min(np.exp(n), 1e30), 9)[:-1]).assert_holds()


def test_the_ledger_of_the_closest_allowed_filter_finds_a_label_outside_the_budget():
    shot = gate_shot(theta=0.01)
    proofs.allowed(shot, s=0.3).assert_holds()
    with pytest.raises(AssertionError, match=r"(?s)Y1: .* FAILS"):
        proofs.allowed(dataclasses.replace(shot, xi=200 * shot.xi), s=0.3).assert_holds()


def test_ledgers_hold_on_real_digits():
    net, law = experiments.digits(4, 4)
    law = laws.Symmetrised(law.X[:300])
    w_star = np.ones(16) / 4
    for M in (None, theory.best_m(net, law)):
        c = theory.constants(net, law, M)
        run = train(net, law, w_star, adversary=adv.Greedy(0.01), eta=c.best_eta, steps=200, repeats=6, seed=0, M=M)
        shot = proofs.greedy_snapshot(net, law, w_star, run.weights, theta=0.01, M=M)
        proofs.sharp(shot, eta=c.best_eta).assert_holds()
        proofs.case_two(shot, eta=c.best_eta).assert_holds()
        proofs.lipschitz(shot).assert_holds()


# --- a snapshot says what it should -------------------------------------------------------------------


def test_a_snapshot_against_loops(shot):
    points = shot.law.points()
    for i, w in enumerate(shot.weights):
        for j, x in enumerate(points):
            h = reference.net(shot.net.patches, 0.1, shot.w_star, x) - reference.net(shot.net.patches, 0.1, w, x)
            assert shot.h[i, j] == pytest.approx(h, abs=1e-12)
            mx = shot.M @ x
            assert shot.pull[i, j] == pytest.approx((w - shot.w_star) @ mx, abs=1e-12)
            assert shot.xi[i, j] == reference.greedy(0.2, shot.w_star)(x, mx, w, 0.0, None)
    eta, one = 0.07, proofs.one_step(shot, 0.07)
    for i, w in enumerate(shot.weights):
        after = [
            np.sum((w - shot.w_star + eta * (shot.h[i, j] + shot.xi[i, j]) * shot.M @ x) ** 2)
            for j, x in enumerate(points)
        ]
        assert one[i] == pytest.approx(np.mean(after))


# --- where a statement is false (what kills each row: test_mutations.py) -----------------------------------


def test_the_papers_lemma_b2_fails_for_a_negative_leak():
    """Erratum 2: with L = 1 + alpha in the place of max(1, |alpha|) the inequality is false."""
    rng = np.random.default_rng(0)
    net, law = nets.SingleFilterNet.gate(1, -0.9), laws.Symmetrised(rng.normal(size=(8, 1)))
    shot = proofs.greedy_snapshot(net, law, [0.0], [[1.0]], theta=0.0)
    proofs.lipschitz(shot).assert_holds()
    c = shot.constants
    assert (shot.h**2 > (1 + net.leak) ** 2 * c.lam3 * shot.size[:, None] ** 2 * (shot.X**2).sum(axis=1)).any()


def test_lemma_a1_is_false_below_its_gamma():
    with pytest.raises(ValueError, match=r"^gamma = 1.2 must be > 2.5; that is"):
        proofs.recursion(b=1.0, c1=2.0, c2=0.05, c3=0.05, Delta1=1.0, target=0.1, gamma=1.2).assert_holds()


# --- bad input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: proofs.greedy_snapshot(nets.SingleFilterNet.gate(2), laws.Gaussian(2), [1, 0], [[0, 0]], theta=1),
            r"^law = Gaussian has no finite sums; sample it and use laws.Symmetrised",
        ),
        (
            lambda: proofs.greedy_snapshot(
                nets.SingleFilterNet.gate(2), laws.Symmetrised(np.eye(2)), [1], [[0, 0]], theta=1
            ),
            r"^w_star has shape \(1,\)",
        ),
        (
            lambda: proofs.greedy_snapshot(
                nets.SingleFilterNet.gate(2), laws.Symmetrised(np.eye(2)), [1, 0], [0, 0], theta=1
            ),
            r"^weights has shape \(2,\); it must have shape \(R, 2\)",
        ),
        (
            lambda: proofs.greedy_snapshot(
                nets.SingleFilterNet.gate(2), laws.Symmetrised(np.eye(2)), [1, 0], [[0, 0]], theta=-1
            ),
            r"^theta = -1.0 must be >= 0",
        ),
        (lambda: proofs.case_one(gate_shot()), r"^shot.theta = 0.2 must be 0 in Case I; use case_two"),
        (lambda: proofs.case_one(gate_shot(0.0), gamma=1.0), r"^gamma = 1.0 must be > 1"),
        (lambda: proofs.sharp(gate_shot(), eta=-1.0), r"^eta = -1.0 "),
        (lambda: proofs.sharp(gate_shot(), eta=100.0), r"^eta = 100.0 must be .* that is a/Q"),
        (lambda: proofs.case_two(gate_shot(), eta=-1.0), r"^eta = -1.0 must be > 0"),
        (lambda: proofs.case_two(gate_shot(), eta=math.nan), r"^eta = nan must be"),
        (lambda: proofs.exactness(gate_shot(), eta=0.0), r"^eta = 0.0 must be > 0"),
        (lambda: proofs.parity(laws.Gaussian(2), [1, 0], [0, 1]), r"^law = Gaussian has no finite sums"),
        (
            lambda: proofs.parity(laws.Symmetrised(np.eye(2)), [1, 0, 0], [0, 1]),
            r"^a has shape \(3,\); it must have shape \(2,\)",
        ),
        (lambda: proofs.parity(laws.Symmetrised(np.eye(2)), [1, 0], [0, np.nan]), r"^b contains nan"),
        (lambda: proofs.recursion(b=0.0, c1=1, c2=1, c3=1, Delta1=1, target=0.1, gamma=2), r"^b = 0.0 must be > 0"),
        (
            lambda: proofs.recursion(b=1.0, c1=1, c2=1, c3=1, Delta1=1, target=0.1, gamma=2),
            r"^target = 0.1 must be > 1 and < 1; the bounds are c3/b and Delta1",
        ),
        (
            lambda: proofs.recursion(b=1.0, c1=0.25, c2=1, c3=1, Delta1=1, target=0.1, gamma=2),
            r"^c1 = 0.25 must be > 0.25; else A may be negative",
        ),
        (
            lambda: proofs.recursion(b=1.0, c1=2, c2=0.01, c3=0.01, Delta1=1, target=0.1, gamma=1.0),
            r"^gamma = 1.0 must be > ",
        ),
        (
            lambda: proofs.minimax(np.diag([1.0, 2.0]), theta=0.1, direction=[1, 0]),
            r"^X has rows of length 1 to 2; all must lie on one sphere",
        ),
        (lambda: proofs.minimax(np.eye(2), theta=0.0, direction=[1, 0]), r"^theta = 0.0 must be > 0"),
        (lambda: proofs.minimax(np.eye(2), theta=0.1, direction=[0, 0]), r"^direction is 0; "),
        (lambda: proofs.allowed(gate_shot(50.0), s=0.3), r"^shot has no run with \|e\| >= r"),
        (lambda: proofs.allowed(gate_shot(), s=1.0), r"^s = 1.0 must be"),
        (
            lambda: proofs.allowed(dataclasses.replace(gate_shot(), M=2 * np.eye(3)), s=0.5),
            r"^shot must be of a single gate with M = I",
        ),
        (
            lambda: proofs.allowed_sphere(3, [4, 1000]),
            r"^samples runs from 4 to 1000; it must stay between 4 and exp\(n\) = 20.09",
        ),
        (lambda: proofs.worst(gate_shot(), eta=10.0), r"^eta = 10.0 must be .* that is a/\(2Q\)"),
        (
            lambda: proofs.worst(dataclasses.replace(gate_shot(), weights=np.array([[1.0, 0.0, -1.0]])), eta=1e-3),
            r"^shot.weights holds w\* itself",
        ),
        (lambda: proofs.allowed_sphere(3, [2]), r"^samples runs from 2 to 2; "),
        (
            lambda: proofs.best_m_ledger(nets.SingleFilterNet.gate(2), laws.Gaussian(2), [-np.eye(2)]),
            r"^Ms holds no matrix with lam1 > 0; add the mean patch",
        ),
        (lambda: proofs.ball(np.eye(2), [1, 2], theta=0.1, direction=[0, 0]), r"^direction is 0; "),
        (lambda: proofs.ball(np.eye(2), [1, 2], theta=0.1, direction=[1, 0], leak=np.nan), r"^leak = nan must be"),
        (lambda: proofs.feasible(np.eye(2), np.zeros((1, 2, 2)), theta=0.1, cos_phi=0.0), r"^cos_phi = 0.0 must be"),
        (
            lambda: proofs.feasible(np.eye(2), np.zeros((1, 2, 2)), theta=0.1, cos_phi=1.0, leak=-1.0),
            r"^leak = -1.0 must be > -1",
        ),
        (lambda: proofs.finite_sample(64, 100, theta=0.0), r"^theta = 0.0 must be > 0"),
        (lambda: proofs.finite_sample(64, 100, theta=0.1, leak=-1.0), r"^leak = -1.0 must be > -1"),
        (lambda: proofs.finite_sample(64, 100, theta=0.1, radius=-1.0), r"^radius = -1.0 must be > 0"),
        (
            lambda: proofs.best_m_ledger(nets.SingleFilterNet.gate(2), laws.Gaussian(3), np.eye(2)),
            r"^law has dimension n = 3",
        ),
        (
            lambda: proofs.best_m_ledger(nets.SingleFilterNet.gate(2), laws.Gaussian(2), np.eye(2)),
            r"^Ms has shape \(2, 2\)",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_exactness_is_about_a_single_gate(shot):
    with pytest.raises(ValueError, match=r"^shot must be of a single gate with M = I; see SingleFilterNet.gate"):
        proofs.exactness(shot, eta=0.1)


def test_exactness_has_no_direction_at_w_star():
    shot = proofs.greedy_snapshot(
        nets.SingleFilterNet.gate(2), laws.Symmetrised(np.eye(2)), [1, 0], [[1, 0]], theta=0.1
    )
    with pytest.raises(ValueError, match=r"^shot.weights holds w\* itself"):
        proofs.exactness(shot, eta=0.1)
