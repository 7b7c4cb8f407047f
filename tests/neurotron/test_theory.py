import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustnn_core import laws, nets, neurotron
from robustnn_core.neurotron import adversaries as adv
from robustnn_core.neurotron import schedules, theory, train
from tests.neurotron import cases, reference
from tests.neurotron.cases import GATE2, GATE10, gate, margin, problems

often = settings(max_examples=20, deadline=None, derandomize=True)


# --- constants ----------------------------------------------------------------------------------------


@often
@given(problems())
def test_constants_are_brute_force_averages(problem):
    net, law, M, c = problem
    plain = reference.constants(net.patches, net.leak, M, law.points())
    for name, value in plain.items():
        assert getattr(c, name) == pytest.approx(value, rel=1e-8), name
    U = np.random.default_rng(0).normal(size=(20, len(M)))
    for u in U / np.linalg.norm(U, axis=1, keepdims=True):
        assert reference.mean_abs(law.points(), M, u) <= c.p * (1 + 1e-9)
    assert c.p_found <= c.p * (1 + 1e-9)
    assert c.p <= math.sqrt(np.linalg.eigvalsh(M @ law.second_moment() @ M.T)[-1]) * (1 + 1e-9)
    assert c.standard_error == {}


@pytest.mark.parametrize(
    "law", [laws.Gaussian(4, 1.5), laws.Cube(4, 2.0), laws.Sphere(4, 3.0)], ids=["gaussian", "cube", "sphere"]
)
def test_exact_constants_against_a_huge_sample(law):
    rng = np.random.default_rng(0)
    net, M = nets.SingleFilterNet(rng.normal(size=(2, 3, 4)), 0.1), rng.normal(size=(3, 4))
    exact, sampled = theory.constants(net, law, M), theory.constants(net, laws.Symmetrised(law.sample(1, 30_000)), M)
    for name in ("lam2", "lam3"):
        assert getattr(exact, name) == getattr(sampled, name)
    for name in ("a", "Q", "V"):
        assert getattr(sampled, name) == pytest.approx(getattr(exact, name), rel=0.05), name
    np.testing.assert_allclose(sampled.m, exact.m, rtol=0.02)
    assert sampled.p_found == pytest.approx(exact.p_found, rel=0.02)
    assert sampled.p_found <= exact.p * 1.02


def test_gaussian_gate_in_closed_form():
    for n, sigma in ((1, 1.0), (2, 4.0), (10, 0.5)):
        c = gate(n, sigma)
        c_n = math.sqrt(2) * math.gamma((n + 1) / 2) / math.gamma(n / 2)
        assert c.c_tradeoff == pytest.approx(sigma / c_n - 1, rel=1e-12)
        assert c.m[3] == pytest.approx(n * (n + 2) * sigma**4)
        assert (c.p, c.p_found) == pytest.approx((sigma * math.sqrt(2 / math.pi),) * 2)
        assert c.Q == pytest.approx((n + 2) / 2 * sigma**4) and c.V == pytest.approx(n * sigma**2)
        assert c.best_eta == pytest.approx(1 / ((n + 2) * sigma**2))
    assert [round(gate(n).c_tradeoff, 3) for n in (1, 2, 10)] == [0.253, -0.202, -0.676]


def test_a_law_of_the_readers_own_says_how_sure_it_is():
    law = laws.Custom(2, lambda rng, size: rng.normal(size=(size, 2)), draws=20_000)
    c, exact = theory.constants(nets.SingleFilterNet.gate(2), law), gate(2)
    for name in ("lam1", "c_tradeoff", "c_star", "a", "Q", "V"):
        assert 0 < c.standard_error[name]
        assert abs(getattr(c, name) - getattr(exact, name)) < 6 * c.standard_error[name], name
    assert all(abs(c.m[j] - exact.m[j]) < 6 * c.standard_error[f"m{j + 1}"] for j in range(4))


def test_lam1_is_of_the_symmetric_part():
    """Erratum 1: the eigenvalues of M are 1 and 1, its symmetric part has -1/2 + ..."""
    net = nets.SingleFilterNet.gate(2, leak=1.0)
    c = theory.constants(net, laws.Gaussian(2), [[1.0, 0.0], [2.0, 1.0]])
    assert c.lam1 == pytest.approx(0.0, abs=1e-12)
    c = theory.constants(net, laws.Gaussian(2), [[1.0, 0.0], [10.0, 1.0]])
    assert c.lam1 == pytest.approx(-4.0)
    with pytest.raises(ValueError, match=r"^c.lam1 = -4 must be > 0: .* take M = Abar Sigma"):
        schedules.realizable_schedule(c, eps=0.1, delta=0.1, Delta1=1.0)


def test_best_m():
    rng = np.random.default_rng(3)
    net, law = nets.SingleFilterNet(rng.normal(size=(2, 2, 4)), 0.1), laws.Symmetrised(rng.normal(size=(30, 4)))
    M = theory.best_m(net, law)
    gram = net.mean_patch @ law.second_moment() @ net.mean_patch.T
    np.testing.assert_allclose(gram @ M, net.mean_patch, atol=1e-10)
    c = theory.constants(net, law, M)
    assert c.lam1 == pytest.approx(1.0)
    with pytest.raises(ValueError, match=r"singular C = .*; use fewer or smaller patches"):
        theory.best_m(nets.SingleFilterNet(np.ones((1, 2, 3))), laws.Gaussian(3))


# --- floors -------------------------------------------------------------------------------------------


@often
@given(problems(), st.floats(0.01, 10), st.floats(0.01, 0.9))
def test_the_floor_is_the_fixed_point_and_grows(problem, theta, share):
    c = problem[3]
    eta = share * c.a / c.Q
    R = theory.sharp_floor(c, theta=theta, eta=eta)
    assert R == pytest.approx(reference.sharp_floor(c.a, c.Q, c.p, c.V, theta, eta), rel=1e-6)
    assert reference.sharp_step(c.a, c.Q, c.p, c.V, theta, eta, R) == pytest.approx(R, rel=1e-9)
    assert theory.sharp_floor(c, theta=theta, eta=0.0) == pytest.approx(2 * theta * c.p / c.a)
    assert (
        theory.sharp_floor(c, theta=theta, eta=0.5 * eta)
        < R
        < theory.sharp_floor(c, theta=theta, eta=min(1.05 * share, 0.99) * c.a / c.Q)
    )
    assert theory.sharp_floor(c, theta=2 * theta, eta=eta) == pytest.approx(2 * R)
    assert theory.weighted_floor(c, theta=theta) >= theory.sharp_floor(c, theta=theta, eta=0.0) ** 2 * (1 - 1e-9)
    assert c.a**2 <= 4 * c.Q * (1 + 1e-9)


@often
@given(problems(), st.sampled_from([0.01, 0.5, 30.0]), st.floats(0.05, 0.9))
def test_scale_equivariance(problem, s, share):
    """x -> s x with theta -> s theta and eta -> eta / s^2 changes no floor, no bound and no count."""
    net, law, M, c = problem
    scaled = theory.constants(net, laws.Symmetrised(s * law.X), M)
    eta, theta = share * c.a / c.Q, 0.1 * c.a / c.p
    one = theory.sharp_bound(c, theta=theta, eta=eta, Delta1=1.0, steps=30)
    two = theory.sharp_bound(scaled, theta=s * theta, eta=eta / s**2, Delta1=1.0, steps=30)
    np.testing.assert_allclose(two, one, rtol=1e-8)
    for eta_here in (0.0, eta):
        assert theory.sharp_floor(scaled, theta=s * theta, eta=eta_here / s**2) == pytest.approx(
            theory.sharp_floor(c, theta=theta, eta=eta_here), rel=1e-6
        )
    assert theory.weighted_floor(scaled, theta=s * theta) == pytest.approx(theory.weighted_floor(c, theta=theta))
    # the paper's trade-off is not scale free: erratum 3
    assert scaled.c_tradeoff + 1 == pytest.approx(s * (c.c_tradeoff + 1))


def test_the_weighted_floor_touches_the_papers_at_two():
    for P in (0.5, 1.5, 2.0, 3.0):
        c = gate(2, P * math.sqrt(math.pi / 2))
        assert c.c_tradeoff == pytest.approx(P - 1)
        assert c.c_star - c.c_tradeoff == pytest.approx((P / 2 - 1) ** 2, abs=1e-12)


def test_paper_floor_is_silent_where_the_theorem_is():
    assert math.isnan(theory.paper_floor(GATE10, theta=0.1, eta=1e-3))
    assert math.isnan(theory.paper_floor(GATE2, theta=0.1, eta=1.0))


# --- certificates: what is measured obeys what is proved ----------------------------------------------


@pytest.mark.parametrize(
    "net, law, eta_share",
    [
        (nets.SingleFilterNet.gate(4), laws.Gaussian(4), 0.4),
        (nets.SingleFilterNet.gate(4, leak=0.1), laws.Sphere(4, 2.0), 0.1),
        (nets.SingleFilterNet.gate(3, leak=-0.5), laws.Cube(3, 2.0), 0.3),
        (nets.SingleFilterNet.convolution(6, 3), laws.Gaussian(6), 0.3),
        (nets.SingleFilterNet(np.random.default_rng(1).normal(size=(2, 2, 3)), leak=1.0), laws.Cube(3), 0.2),
    ],
    ids=["gaussian gate", "leaky sphere", "negative leak", "convolution", "dense linear"],
)
def test_rms_stays_below_the_sharp_bound_all_the_way(net, law, eta_share):
    theta, c = 0.2, theory.constants(net, law)
    r = net.mean_patch.shape[0]
    w_star = np.linspace(1, -1, r) + 0.1
    eta = eta_share * c.a / c.Q
    attacks = [
        adv.NoAttack(),
        adv.Constant(theta),
        adv.RandomSign(theta),
        adv.Greedy(theta),
        adv.WithProbability(adv.Greedy(theta), 0.5),
    ]
    if math.isfinite(law.radius):
        size = max(1.0, abs(net.leak)) * np.linalg.norm(net.patches, 2, axis=(1, 2)).max() * law.radius
        attacks.append(adv.Impostor(w_star + theta / size / math.sqrt(r), theta=theta))
    for attack in attacks:
        run = train(net, law, w_star, adversary=attack, eta=eta, steps=300, repeats=1000, seed=0, records=301)
        bound = theory.sharp_bound(c, theta=attack.theta, eta=eta, Delta1=float(w_star @ w_star), steps=300)
        assert (run.trace.mean_square <= bound**2 + margin(run.trace.errors) + 1e-12).all(), attack


@pytest.mark.parametrize("law", [laws.Gaussian(3, 1.5), laws.Sphere(5, 2.0)], ids=["gaussian", "sphere"])
@pytest.mark.parametrize("leak", [0.0, 0.3])
def test_the_greedy_adversary_reaches_the_floor(law, leak):
    """Exactness: liminf E|e| >= 2 theta p / a for every eta < 2/a."""
    net, theta = nets.SingleFilterNet.gate(law.n, leak), 0.1
    c = theory.constants(net, law)
    lower = 2 * theta * c.p / c.a
    for share in (0.05, 0.5):
        eta = share * c.a / c.Q
        run = train(
            net,
            law,
            np.ones(law.n),
            adversary=adv.Greedy(theta),
            eta=eta,
            steps=int(12 / (eta * c.a)),
            repeats=2000,
            seed=1,
        )
        mean, error = run.errors.mean(), run.errors.std() / math.sqrt(2000)
        assert mean >= lower - 5 * error
        assert run.rms <= theory.sharp_floor(c, theta=theta, eta=eta) + 5 * error + 1e-3


def test_the_greedy_adversary_lies_to_a_learner_without_error():
    """Exactness at e = 0: a liar with sgn(0) = 0 would leave the learner at the truth for ever."""
    net, law, theta, eta, truth = nets.SingleFilterNet.gate(3), laws.Sphere(3, 2.0), 0.1, 0.05, np.ones(3)
    run = train(net, law, truth, adversary=adv.Greedy(theta), eta=eta, start=truth, steps=1, repeats=50, seed=1)
    assert np.allclose(run.errors, eta * theta * 2.0)


# --- the numbers of the book's regimes ----------------------------------------------------------------


def test_regime_e1():
    half = schedules.poisoned_schedule(GATE2, theta=0.1, eps=0.5, delta=0.1, Delta1=1.0).theta_max / 2
    s = schedules.poisoned_schedule(GATE2, theta=half, eps=0.5, delta=0.1, Delta1=1.0, slack=1.2)
    assert round(s.theta_max, 4) == 0.2341 and s.steps == 380 and round(s.eta, 6) == 2.817e-3
    assert s.floor == pytest.approx(0.0174, abs=5e-5)
    assert theory.sharp_floor(GATE2, theta=half, eta=s.eta) ** 2 == pytest.approx(0.00343, abs=5e-6)
    net, law = nets.SingleFilterNet.gate(2), laws.Gaussian(2, 4.0)

    def delta(attack):
        run = train(net, law, [1.0, 0.0], adversary=attack, eta=s.eta, steps=s.steps - 1, repeats=5000, seed=0)
        assert np.mean(run.errors <= 0.5) >= 0.999
        return run.rms**2

    assert delta(adv.Greedy(half)) == pytest.approx(0.00238, abs=1e-4)
    assert delta(adv.Constant(half)) == pytest.approx(8e-5, abs=1e-5)
    assert delta(adv.RandomSign(half)) == pytest.approx(8e-5, abs=1e-5)
    assert delta(adv.NoAttack()) < 1e-5


def test_regime_e2():
    net, law = nets.SingleFilterNet.gate(10), laws.Gaussian(10)
    with pytest.raises(
        ValueError, match=r"^c.c_tradeoff = -0.67.. must be > 0 or Theorem II.1 is vacuous; rescale .* sharp_schedule"
    ):
        schedules.poisoned_schedule(GATE10, theta=0.1, eps=0.5, delta=0.1, Delta1=1.0)
    assert math.sqrt(theory.weighted_floor(GATE10, theta=0.1)) == pytest.approx(0.6169, abs=5e-5)
    assert theory.sharp_floor(GATE10, theta=0.1, eta=0.0) == pytest.approx(0.1596, abs=5e-5)
    w = np.eye(10)[0]
    # the measured columns for |w*| = 1; an independent simulation in NumPy gave .2269/.1193 and .1722/.0476
    for eta, steps, floor, greedy, others in (
        (0.08, 400, 0.5721, 0.227, 0.121),
        (0.02, 1500, 0.2266, 0.1725, 0.0475),
        (0.005, 5000, 0.1754, 0.1625, 0.0228),
    ):
        assert theory.sharp_floor(GATE10, theta=0.1, eta=eta) == pytest.approx(floor, abs=5e-5)
        run = train(net, law, w, adversary=adv.Greedy(0.1), eta=eta, steps=steps, repeats=800, seed=0, records=2)
        assert run.rms == pytest.approx(greedy, rel=0.03)
        for attack in (adv.Constant(0.1), adv.RandomSign(0.1)):
            run = train(net, law, w, adversary=attack, eta=eta, steps=steps, repeats=800, seed=0, records=2)
            assert run.rms == pytest.approx(others, rel=0.06)


@pytest.mark.parametrize(
    "n, paper, sharp, measured", [(5, 1286, 126, 122), (20, 16207, 402, 394), (80, 241676, 1507, 1489)]
)
def test_regime_e3(n, paper, sharp, measured):
    c = gate(n)
    assert schedules.realizable_schedule(c, eps=0.1, delta=0.01, Delta1=1.0).steps == paper
    s = schedules.sharp_schedule(c, eps=0.1, delta=0.01, Delta1=1.0)
    assert s.steps == sharp
    found = neurotron.experiments.measured_steps(
        nets.SingleFilterNet.gate(n),
        laws.Gaussian(n),
        np.eye(n)[0],
        eta=s.eta,
        target=1e-4,
        max_iter=sharp,
        repeats=400,
        seed=0,
    )
    assert found == pytest.approx(measured, rel=0.03)


def test_regime_e4():
    net, law = nets.SingleFilterNet.convolution(3, 2), laws.Cube(3, 30.0)
    c = theory.constants(net, law)
    assert c.lam1 == pytest.approx(75.0) and c.lam2 == pytest.approx(math.sqrt(0.75))
    assert c.c_tradeoff == pytest.approx(2.005, abs=5e-4) and c.c_star == pytest.approx(2.2578, abs=1e-4)
    s = schedules.poisoned_schedule(c, theta=0.1343, eps=0.6, delta=0.1, Delta1=1.0)
    assert s.steps == 5910 == reference.case_two(c.lam1, c.lam2, c.lam3, c.m, 0.0, 0.1343, 0.6, 0.1, 1.0, 1.2)[2]
    run = train(
        net, law, [1.0, 0.0], adversary=adv.Greedy(0.1343), eta=s.eta, steps=s.steps - 1, repeats=300, seed=0, records=2
    )
    assert run.rms**2 <= 0.036
    assert run.rms**2 == pytest.approx(0.00061, rel=0.1)
    wide = theory.constants(nets.SingleFilterNet.convolution(8, 4, 2), laws.Cube(8, 1.0))
    assert wide.c_tradeoff == pytest.approx(-0.969, abs=1e-3)


def test_regime_e5():
    w_star = np.array([0.3, -1.0, 0.5])
    w_adv = neurotron.experiments.impostor_pair(w_star, theta=0.2, radius=2.0, direction=[1.0, 0.0, 0.0])
    net, law = nets.SingleFilterNet.gate(3), laws.Sphere(3, 2.0)
    c = theory.constants(net, law)
    run = train(
        net, law, w_star, adversary=adv.Impostor(w_adv, theta=0.2), eta=c.best_eta, steps=400, repeats=50, seed=0
    )
    np.testing.assert_allclose(run.errors, 0.1, atol=1e-7)


@pytest.mark.parametrize(
    "kernel, floors, scales",
    [(4, (343.6, 50.2, 44.5), (9.7e4, 6.7e3, 1.5e3)), (2, (287.8, 84.1, 80.0), (1.5e4, 2.7e3, 1.0e3))],
)
def test_regime_e6(kernel, floors, scales):
    net, law = neurotron.experiments.digits(kernel, kernel)
    gram = net.mean_patch @ law.second_moment() @ net.mean_patch.T
    values, vectors = np.linalg.eigh(gram)
    for M, floor, scale in zip(
        (None, (vectors / np.sqrt(values)) @ vectors.T @ net.mean_patch, theory.best_m(net, law)), floors, scales
    ):
        c = theory.constants(net, law, M)
        assert 2 * c.p_found / c.a == pytest.approx(floor, abs=0.051)
        assert 4 * c.Q / c.a**2 == pytest.approx(scale, rel=0.04)
        assert c.p_found <= c.p <= 1.25 * c.p_found
        assert c.c_tradeoff < -0.99


# --- bad input ----------------------------------------------------------------------------------------

GOOD = {
    "paper_floor": {"theta": 0.1, "eta": 1e-3},
    "weighted_floor": {"theta": 0.1},
    "sharp_floor": {"theta": 0.1, "eta": 1e-3},
    "sharp_bound": {"theta": 0.1, "eta": 1e-3, "Delta1": 1.0, "steps": 5},
}


@pytest.mark.parametrize("name", GOOD)
def test_every_function_refuses_what_it_cannot_use(name):
    cases.assert_refuses(getattr(theory, name), GOOD[name])


@pytest.mark.parametrize("leak", [-0.5, 1.5])
def test_the_papers_floor_refuses_leaks_for_which_its_lemma_fails(leak):
    with pytest.raises(ValueError, match=rf"^c.leak = {leak} must be in \[0, 1\] for Theorem II.1"):
        theory.paper_floor(gate(2, 4.0, leak), **GOOD["paper_floor"])


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: theory.sharp_floor(GATE10, theta=0.1, eta=1 / 6),
            r"^eta = 0.1666.* must be >= 0 and < 0.166667; that is a/Q, .* take c.best_eta",
        ),
        (
            lambda: theory.sharp_bound(GATE10, theta=0.1, eta=0.2, Delta1=1, steps=2),
            r"^eta = 0.2 must be > 0 and < 0.166667; that is a/Q",
        ),
        (lambda: theory.sharp_bound(GATE10, theta=0.1, eta=0, Delta1=1, steps=2), r"^eta = 0.0 must be > 0"),
        (lambda: theory.constants(np.eye(2), laws.Gaussian(2)), r"(?s)^net = .* must be a nets.SingleFilterNet"),
        (lambda: theory.constants(nets.SingleFilterNet.gate(2), "normal"), r"^law = 'normal' must be one of the laws"),
        (lambda: theory.constants(nets.SingleFilterNet.gate(2), laws.Gaussian(3)), r"^law has dimension n = 3, but"),
        (lambda: theory.constants(nets.SingleFilterNet.gate(2), laws.Gaussian(2), np.eye(3)), r"^M has shape \(3, 3\)"),
        (
            lambda: theory.constants(nets.SingleFilterNet.gate(2), laws.Gaussian(2), 0 * np.eye(2)),
            r"^M is 0, .* give the mean patch",
        ),
        (lambda: theory.best_m(3, laws.Gaussian(2)), r"^net = 3 must be"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("x", [np.zeros((3, 2)), np.array([[0.0, 0.0]])])
def test_inputs_that_are_all_zero(x):
    with pytest.raises(ValueError, match=r"^law has E\|x\| = 0: .*; give inputs that move"):
        theory.constants(nets.SingleFilterNet.gate(2), laws.Symmetrised(x))
