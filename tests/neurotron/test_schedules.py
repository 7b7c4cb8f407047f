import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from robustnn_core import laws, nets
from robustnn_core.neurotron import adversaries as adv
from robustnn_core.neurotron import schedules, theory, train
from tests.neurotron import cases, reference
from tests.neurotron.cases import GATE2, GATE10, gate, margin, problems

often = settings(max_examples=20, deadline=None, derandomize=True)


@pytest.mark.parametrize(
    "start, target, contraction", [(1.0, 0.1, 0.5), (3.0, 1e-3, 0.99), (1.0, 1.0, 0.5), (0.5, 1.0, 0.9)]
)
def test_count_steps_against_stepping(start, target, contraction):
    plain = reference.count_steps(start, target, lambda value: contraction * value)
    assert schedules.count_steps(start, target, contraction) == plain


@often
@given(problems(leaks=st.floats(0, 1)), st.floats(1.1, 8), st.floats(0.05, 0.9), st.floats(0.05, 0.9))
def test_case_one_against_stepping(problem, gamma, eps, delta):
    c = problem[3]
    s = schedules.realizable_schedule(c, eps=eps, delta=delta, Delta1=1.0, gamma=gamma)
    assume(s.steps < 20_000)
    eta, T = reference.case_one(c.lam1, c.lam2, c.lam3, c.m[3], c.leak, gamma, 1.0, eps**2 * delta)
    assert s.eta == pytest.approx(eta, rel=1e-9) and abs(s.steps - T) <= (1 if s.steps > 5000 else 0)
    # minimal: the bound is met at T and not before
    assert s.contraction ** (s.steps - 1) <= eps**2 * delta * (1 + 1e-9)
    assert s.contraction ** (s.steps - 2) > eps**2 * delta * (1 - 1e-9)


@often
@given(
    st.integers(1, 4), st.floats(1.3, 4), st.floats(0, 1), st.floats(0.05, 0.9), st.floats(1.05, 3), st.floats(0.2, 1)
)
def test_case_two_against_stepping(n, ratio, leak, share, slack, eps):
    c_n = math.sqrt(2) * math.gamma((n + 1) / 2) / math.gamma(n / 2)
    c = gate(n, ratio * c_n, leak)
    delta = 0.2
    theta = share * math.sqrt(eps**2 * delta * c.c_tradeoff)
    s = schedules.poisoned_schedule(c, theta=theta, eps=eps, delta=delta, Delta1=2.0, slack=slack)
    assume(s.steps < 20_000)
    eta, gamma, T = reference.case_two(c.lam1, c.lam2, c.lam3, c.m, leak, theta, eps, delta, 2.0, slack)
    assert (s.eta, s.gamma) == pytest.approx((eta, gamma), rel=1e-9)
    assert s.theta_max == pytest.approx(theta / share, rel=1e-9)
    assert abs(s.steps - T) <= (1 if s.steps > 5000 else 0)
    assert s.floor < eps**2 * delta
    assert s.floor == pytest.approx(theory.paper_floor(c, theta=theta, eta=s.eta), rel=1e-9)

    def bound(T):
        return s.floor + s.contraction ** (T - 1) * (2.0 - s.floor)

    assert bound(s.steps) <= eps**2 * delta * (1 + 1e-9) and bound(s.steps - 1) > eps**2 * delta * (1 - 1e-9)


@often
@given(problems(), st.floats(0, 0.95), st.floats(0.05, 0.9))
def test_sharp_schedule_reaches_its_target(problem, share, delta):
    c = problem[3]
    eps = 0.5
    theta = share * eps * math.sqrt(delta) * c.a / (2 * c.p)
    s = schedules.sharp_schedule(c, eps=eps, delta=delta, Delta1=1.0, theta=theta)
    assume(s.steps < 20_000)
    target = eps * math.sqrt(delta)
    D = theory.sharp_bound(c, theta=theta, eta=s.eta, Delta1=1.0, steps=s.steps - 1)
    assert D[-1] <= target * (1 + 1e-9)
    assert math.sqrt(s.floor) < target and theta < s.theta_max
    R = math.sqrt(s.floor)
    if theta > 0 and s.steps > 1:  # the geometric envelope of the theorem, and it is minimal
        assert R + s.contraction ** (s.steps - 1) * (1 - R) <= target * (1 + 1e-9)
        assert R + s.contraction ** (s.steps - 2) * (1 - R) > target * (1 - 1e-9)
    plain = [1.0]
    for _ in range(min(s.steps - 1, 300)):
        plain.append(reference.sharp_step(c.a, c.Q, c.p, c.V, theta, s.eta, plain[-1]))
    np.testing.assert_allclose(D[: len(plain)], plain, rtol=1e-10)
    envelope = R + s.contraction ** np.arange(len(D)) * max(1 - R, 0) if theta > 0 else None
    if theta > 0:
        assert (D <= envelope * (1 + 1e-9)).all()


def test_sharp_schedule_takes_about_the_best_step():
    s = schedules.sharp_schedule(GATE10, eps=1.0, delta=0.1, Delta1=4.0, theta=0.1)
    others = [
        schedules.sharp_schedule(GATE10, eps=1.0, delta=0.1, Delta1=4.0, theta=0.1, eta=s.eta * f).steps
        for f in (0.5, 0.8, 1.2)
    ]
    assert s.steps <= min(others)


def test_a_start_that_is_good_enough_takes_no_step():
    assert schedules.realizable_schedule(GATE2, eps=1.0, delta=0.5, Delta1=0.4).steps == 1
    assert schedules.sharp_schedule(GATE2, eps=1.0, delta=0.5, Delta1=0.4).steps == 1


def test_claims_of_theorem_ii_1_hold():
    net, law = nets.SingleFilterNet.gate(2), laws.Gaussian(2, 4.0)
    for attack in (adv.Constant(0.1), adv.RandomSign(0.1), adv.Greedy(0.1)):
        s = schedules.poisoned_schedule(GATE2, theta=0.1, eps=0.5, delta=0.1, Delta1=1.0)
        run = train(net, law, [0.6, 0.8], adversary=attack, eta=s.eta, steps=s.steps - 1, repeats=2000, seed=0)
        assert run.rms**2 <= 0.5**2 * 0.1 and np.mean(run.errors <= 0.5) >= 0.9
        A = s.floor + s.contraction**run.trace.steps * (1 - s.floor)
        assert (run.trace.mean_square <= A + margin(run.trace.errors)).all()
    s = schedules.realizable_schedule(GATE2, eps=0.1, delta=0.1, Delta1=1.0)
    run = train(net, law, [0.6, 0.8], eta=s.eta, steps=s.steps - 1, repeats=2000, seed=0)
    assert (run.trace.mean_square <= s.contraction**run.trace.steps + margin(run.trace.errors)).all()


GOOD = {
    "realizable_schedule": {"eps": 0.1, "delta": 0.1, "Delta1": 1.0},
    "poisoned_schedule": {"theta": 0.05, "eps": 0.5, "delta": 0.1, "Delta1": 1.0},
    "sharp_schedule": {"eps": 0.5, "delta": 0.1, "Delta1": 1.0, "theta": 0.01},
}


@pytest.mark.parametrize("name", GOOD)
def test_every_function_refuses_what_it_cannot_use(name):
    cases.assert_refuses(getattr(schedules, name), GOOD[name])


@pytest.mark.parametrize("leak", [-0.5, 1.5])
def test_the_papers_schedules_refuse_leaks_for_which_its_lemma_fails(leak):
    c = gate(2, 4.0, leak)
    for name in ("realizable_schedule", "poisoned_schedule"):
        with pytest.raises(
            ValueError, match=rf"^c.leak = {leak} must be in \[0, 1\] for Theorem II.1 .* sharp_schedule holds"
        ):
            getattr(schedules, name)(c, **GOOD[name])
    assert schedules.sharp_schedule(c, **GOOD["sharp_schedule"]).steps > 1


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: schedules.realizable_schedule(GATE2, eps=0, delta=0.1, Delta1=1), r"^eps = 0.0 must be > 0"),
        (lambda: schedules.realizable_schedule(GATE2, eps=1, delta=1, Delta1=1), r"^delta = 1.0 must be > 0 and < 1"),
        (
            lambda: schedules.realizable_schedule(GATE2, eps=1, delta=0.1, Delta1=1, gamma=1),
            r"^gamma = 1.0 must be > 1",
        ),
        (
            lambda: schedules.poisoned_schedule(GATE2, theta=0, eps=0.5, delta=0.1, Delta1=1),
            r"^theta = 0.0 must be > 0; for theta = 0 use realizable_schedule",
        ),
        (
            lambda: schedules.poisoned_schedule(GATE2, theta=0.2342, eps=0.5, delta=0.1, Delta1=1),
            r"^theta = 0.2342 must be < 0.234\d+; that is theta\*; ask for a larger",
        ),
        (
            lambda: schedules.poisoned_schedule(GATE2, theta=0.1, eps=0.5, delta=0.1, Delta1=0.02),
            r"^Delta1 = 0.02 must be > 0.025; the start is already",
        ),
        (
            lambda: schedules.poisoned_schedule(GATE2, theta=0.1, eps=0.5, delta=0.1, Delta1=1, slack=1),
            r"^slack = 1.0 must be > 1",
        ),
        (
            lambda: schedules.sharp_schedule(GATE10, eps=0.5, delta=0.1, Delta1=1, theta=0.2),
            r"^theta = 0.2 must be < 0.0990\d+ .* the floor 2 theta p/a cannot be undercut; ask for",
        ),
        (
            lambda: schedules.sharp_schedule(GATE10, eps=0.5, delta=0.1, Delta1=1, theta=0.09, eta=0.08),
            r"^eta = 0.08 has floor 0.5\d+ >= .* take a smaller step",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
