import math

import numpy as np
import pytest
from sklearn.datasets import load_digits

from robustnn_core import laws, nets
from robustnn_core.neurotron import adversaries as adv
from robustnn_core.neurotron import experiments, schedules, theory, train
from tests.neurotron import reference

GATE, GAUSS = nets.SingleFilterNet.gate(2), laws.Gaussian(2)


def test_digits_are_centred_images_in_their_order():
    net, law = experiments.digits(4, 4)
    X = load_digits().data
    np.testing.assert_allclose(law.X.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(law.X[7] - law.X[0], (X[7] - X[0]) / 16, atol=1e-12)
    image, w = law.X[3].reshape(8, 8), np.arange(16.0)
    seen = [float((image[i : i + 4, j : j + 4].ravel() * w).sum()) for i in (0, 4) for j in (0, 4)]
    assert net.predict(w, law.X[3:4])[0] == pytest.approx(sum(max(v, 0) for v in seen) / 4)


def test_adversary_table_is_a_table_of_runs():
    options = {"repeats": 30, "seed": 1, "start": [3.0, 3.0]}
    table = experiments.adversary_table(
        GATE,
        GAUSS,
        [1, 0],
        adversaries={"none": adv.NoAttack(), "greedy": adv.Greedy(0.1)},
        etas=[0.05, 0.1],
        steps=[40, 20],
        **options,
    )
    assert list(table) == ["none", "greedy"]
    assert table["greedy"][1] == train(GATE, GAUSS, [1, 0], adversary=adv.Greedy(0.1), eta=0.1, steps=20, **options).rms
    assert table["none"][0] == train(GATE, GAUSS, [1, 0], eta=0.05, steps=40, **options).rms


def test_measured_steps_counts_as_the_theorems_do():
    options = {"eta": 0.1, "repeats": 40, "seed": 0}
    T = experiments.measured_steps(GATE, GAUSS, [1, 0], target=0.01, max_iter=500, **options)
    square = [train(GATE, GAUSS, [1, 0], steps=s, **options).rms ** 2 for s in (T - 1, T - 2)]
    assert square[0] <= 0.01 < square[1]
    assert experiments.measured_steps(GATE, GAUSS, [1, 0], target=2.0, max_iter=5, **options) == 1
    with pytest.raises(ValueError, match=r"^max_iter = 5 updates end at .*, above target = 0.01; allow more"):
        experiments.measured_steps(GATE, GAUSS, [1, 0], target=0.01, max_iter=5, **options)


def test_confidence_keeps_its_promise():
    c = theory.constants(GATE, laws.Gaussian(2, 4.0))
    s = schedules.poisoned_schedule(c, theta=0.1, eps=0.5, delta=0.1, Delta1=1.0)
    result = experiments.confidence(
        GATE, laws.Gaussian(2, 4.0), [1, 0], s, eps=0.5, delta=0.1, repeats=500, seed=0, adversary=adv.Greedy(0.1)
    )
    assert result.promised == 0.9 <= result.measured and result.mean_square <= result.allowed == 0.5**2 * 0.1
    assert result.repeats == 500


def test_impostor_pair_stays_inside_the_budget():
    w = np.array([0.3, -1.0, 0.5])
    w_adv = experiments.impostor_pair(w, theta=0.2, radius=2.0, direction=[1.0, 2.0, 2.0])
    assert np.linalg.norm(w_adv - w) == pytest.approx(0.1)
    X = laws.Sphere(3, 2.0).sample(0, 2000)
    net = nets.SingleFilterNet.gate(3)
    assert np.abs(net.predict(w, X) - net.predict(w_adv, X)).max() <= 0.2 * (1 + 1e-12)


def test_erratum_1_truth_against_the_papers_claim():
    """K = 2, gamma = 10: the theorem says Delta_T <= .01 at T = 2385, the truth is .116; K = 10: 2.13."""
    for K, T, truth in ((2, 2385, 0.1160), (10, 41749, 2.126)):
        M = np.array([[1.0, 0.0], [K, 1.0]])
        lam2 = np.linalg.norm(M, 2)
        eta, kappa = experiments.paper_case_one(lam1=1.0, lam2=lam2, lam3=1.0, m4=8.0, leak=1.0, gamma=10.0)
        assert 1 + math.ceil(math.log(100) / -math.log(kappa)) == T
        exact = experiments.linear_second_moments(M, np.array([1.0, -1.0]) / math.sqrt(2), eta=eta, steps=T - 1)
        assert exact[-1] == pytest.approx(truth, abs=5e-4)
    harmless = experiments.linear_second_moments(
        [[1.0, 0.0], [2.0, 1.0]],
        [0.0, 1.0],
        eta=experiments.paper_case_one(
            lam1=1.0, lam2=np.linalg.norm([[1, 0], [2, 1]], 2), lam3=1.0, m4=8.0, leak=1.0, gamma=10.0
        )[0],
        steps=2384,
    )
    assert harmless[-1] == pytest.approx(0.006, abs=5e-4)


def test_linear_second_moments_against_runs():
    M, e, eta = np.array([[1.0, 0.0], [2.0, 1.0]]), np.array([1.0, -1.0]), 0.02
    exact = experiments.linear_second_moments(M, e, eta=eta, steps=30)
    run = train(
        nets.SingleFilterNet.gate(2, leak=1.0),
        GAUSS,
        [0.0, 0.0],
        eta=eta,
        steps=30,
        repeats=40_000,
        seed=0,
        M=M,
        start=e,
        records=31,
    )
    error = (run.trace.errors**2).std(axis=1) / 200
    assert (np.abs(run.trace.mean_square - exact) <= 5 * error + 1e-12).all()


def test_erratum_2_leak_below_zero():
    eta, kappa = experiments.paper_case_one(lam1=1.0, lam2=1.0, lam3=1.0, m4=3.0, leak=-0.9, gamma=2.0)
    assert kappa == pytest.approx(11 / 12)
    growth = 1 - eta * 0.1 + 3 * eta**2 * (1 + 0.81) / 2
    assert growth == pytest.approx(8.375)
    # one step, exactly, by quadrature on the normal law: the start is e = 1 at w* = 0
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    after = np.array([1 + eta * (0 - reference.sigma(x, -0.9)) * x for x in nodes])
    assert (weights * after**2).sum() / weights.sum() == pytest.approx(growth)


def test_planted_filter_and_worst_lie_on_digits():
    net, law = experiments.digits(4, 4)
    w = experiments.planted_filter(4)
    assert np.linalg.norm(w) == pytest.approx(1.0)
    M = theory.best_m(net, law)
    lie = experiments.worst_lie(net, law, theta=0.01, M=M)
    c = theory.constants(net, law, M)
    run = train(net, law, w, adversary=lie, eta=c.best_eta / 4, steps=6000, repeats=8, seed=0, M=M)
    greedy = train(net, law, w, adversary=adv.Greedy(0.01), eta=c.best_eta / 4, steps=6000, repeats=8, seed=0, M=M)
    limit = 2 * 0.01 * c.p_found / c.a
    assert (
        0.9 * limit <= run.rms
        and max(run.rms, greedy.rms) <= theory.sharp_floor(c, theta=0.01, eta=c.best_eta / 4) * 1.01
    )


def test_nearest_impostor_uses_its_whole_budget():
    law = laws.Symmetrised([[2.0, 0.0], [0.0, 1.0]])
    w = experiments.nearest_impostor(GATE, law, [1.0, 1.0], theta=0.1)
    gap = np.abs(GATE.predict(w, law.points()) - GATE.predict([1.0, 1.0], law.points())).max()
    assert gap == pytest.approx(0.1) and gap <= 0.1


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: experiments.digits(9, 1), r"^kernel = \(9, 9\) with stride"),
        (lambda: experiments.digits(4, 0), r"^stride = 0.* must be >= 1"),
        (lambda: experiments.impostor_pair([1.0], theta=-1, radius=1, direction=[1]), r"^theta = -1.0 must be >= 0"),
        (lambda: experiments.impostor_pair([1.0], theta=1, radius=0, direction=[1]), r"^radius = 0.0 must be > 0"),
        (
            lambda: experiments.impostor_pair([1.0, 0], theta=1, radius=1, direction=[0, 0]),
            r"^direction is 0; give any other vector",
        ),
        (lambda: experiments.impostor_pair([1.0, 0], theta=1, radius=1, direction=[1]), r"^direction has shape \(1,\)"),
        (
            lambda: experiments.linear_second_moments(np.eye(3), [1.0, 0], eta=0.1, steps=2),
            r"^M has shape \(3, 3\); it must have shape \(2, 2\)",
        ),
        (lambda: experiments.linear_second_moments(np.eye(2), [1.0, 0], eta=0, steps=2), r"^eta = 0.0 must be > 0"),
        (
            lambda: experiments.linear_second_moments(np.eye(2), [1.0, 0], eta=0.1, steps=-2),
            r"^steps = -2.* must be >= 0",
        ),
        (
            lambda: experiments.measured_steps(GATE, GAUSS, [1, 0], eta=0.1, target=0.0, max_iter=5, repeats=2, seed=0),
            r"^target = 0.0 must be > 0",
        ),
        (
            lambda: experiments.measured_steps(GATE, GAUSS, [1, 0], eta=0.1, target=0.1, max_iter=0, repeats=2, seed=0),
            r"^max_iter = 0.* must be >= 1",
        ),
        (
            lambda: experiments.nearest_impostor(GATE, laws.Symmetrised([[1.0, 0.0]]), [1.0, 1.0], theta=0.1),
            r"^net and law give a singular C",
        ),
        (
            lambda: experiments.nearest_impostor(GATE, GAUSS, [1.0, 1.0], theta=0.1),
            r"^law = Gaussian has no finite sums",
        ),
        (lambda: experiments.worst_lie(GATE, GAUSS, theta=0.1), r"^law = Gaussian has no finite sums"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
