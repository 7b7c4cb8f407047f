"""The pipeline from data to the second net's verdict, and the numbers of the specification at small cost."""

import numpy as np
import pytest

from robustnn_core import images
from robustnn_core import perturbations as P
from robustnn_core.perturbations import experiments, proofs


def test_inside_the_assumption_everything_holds():
    X, y = experiments.uniform(20, 90_000, seed=0)
    o = P.orthogonality(X, 0.9)
    assert o.holds
    run = P.train_flow(X, y, leak=0.9, steps=600, seed=0)
    proofs.flow_limit(run).assert_holds()
    proofs.implicit_bias(X, y, 0.9, seed=0).assert_holds()
    assert run.residual < 1e-3 and run.pattern == 1.0
    Z = np.random.default_rng(0).uniform(-1, 1, size=(100, 90_000))
    w = P.direction(X, y, run.multipliers)
    np.testing.assert_array_equal(np.sign(run.net.predict(Z)), np.sign(Z @ w))


def test_both_nets_inside_the_assumption():
    X, y, sample = experiments.means(8, 60_000, 3, square=900.0)
    test = sample(100, 4)
    result = experiments.learn(X, y, leak=0.95, eps=25.0, base="gaussian", test=test, steps=200, seed=0)
    assert P.orthogonality(X, 0.95).holds and P.orthogonality(result.adversarial.X, 0.95).holds
    assert result.first == 1.0 and result.second > 0.9
    adv = result.adversarial
    w = P.direction(X, y, P.kkt_multipliers(X, y, 0.95))
    ledger = proofs.second_net(adv.base, adv.y, adv.eta, test[0], 0.95)
    ledger.assert_holds()
    f = np.sign(test[0] @ w)
    assert np.mean(f == np.sign(P.second_net_terms(adv.base, adv.y, adv.eta, test[0], 0.95).total)) == result.agreement


def test_the_phi_formula_on_noise():
    measured = {}
    for n in (20, 200, 500):
        runs = [
            experiments.learn(
                *experiments.uniform(200, 2000, s), leak=0.5, eps=0.78, base="noise", n=n, steps=80, seed=s
            )
            for s in range(3)
        ]
        measured[n] = np.mean([r.second for r in runs])
        assert all(r.first == 1.0 for r in runs)
        assert measured[n] == pytest.approx(P.predicted_accuracy(eps=0.78, n=200, adversarial=n), abs=0.04)
    assert measured[20] < measured[200] < measured[500]


def test_flipped_labels_teach_the_opposite_until_the_reflection():
    X, y = experiments.orthogonal(40, 60, 0, norm=3.0)
    for kappa, accuracy in ((0.05, 0.0), (2.0, 1.0)):
        result = experiments.learn(
            X, y, leak=0.9, eps=kappa * 3.0 / np.sqrt(40), labels="deterministic", steps=200, seed=0
        )
        assert result.second == accuracy and result.kappa == pytest.approx(kappa)
        assert result.crossed == (0.0 if kappa < 1 else 1.0)


def test_digits_three_and_eight():
    first, second, control = [], {"random": [], "deterministic": [], "noise": []}, []
    data = images.load("digits", pair=(3, 8))
    for s in range(3):
        train, test = data.split(200, seed=s)
        for name, options in (
            ("random", {"eps": 1.5, "control": True}),
            ("deterministic", {"eps": 1.5, "labels": "deterministic"}),
            ("noise", {"eps": 1.0, "base": "noise"}),
        ):
            r = experiments.learn(train.X, train.y, leak=0.5, test=(test.X, test.y), steps=200, seed=s, **options)
            second[name].append(r.second)
            first.append(r.first)
            if "control" in options:
                control.append(r.control)
    assert np.mean(first) > 0.98
    assert all(np.mean(values) > 0.87 for values in second.values())
    assert 0.25 < np.mean(control) < 0.75


@pytest.mark.parametrize(
    "attack, norm, eps", [("pgd", "l2", 1.5), ("fgsm", "linf", 0.2), ("geometry", "linf", 0.2), ("geometry", "l0", 10)]
)
def test_other_attacks(attack, norm, eps):
    train, test = images.load("digits", pair=(3, 8)).split(200, seed=0)
    r = experiments.learn(
        train.X, train.y, leak=0.5, eps=eps, norm=norm, attack=attack, test=(test.X, test.y), steps=100, seed=0
    )
    assert r.second > 0.6 and 0 <= r.crossed <= 1
    assert np.isnan(r.kappa) == (norm != "l2") and np.isnan(r.control)
    size = np.linalg.norm(r.adversarial.eta, axis=1) if norm == "l2" else np.abs(r.adversarial.eta).max(axis=1)
    assert norm == "l0" or size.max() <= eps * (1 + 1e-9)


def test_samples():
    X, y = experiments.uniform(7, 3, 1)
    assert np.abs(X).max() <= 1 and abs(y.sum()) == 1 and np.array_equal(experiments.uniform(7, 3, 1)[0], X)
    X, y, sample = experiments.means(500, 4, 0, square=100.0)
    np.testing.assert_allclose((y[:, None] * X).mean(axis=0), 5.0, atol=0.2)
    assert np.array_equal(sample(500, 0)[0], X)
    for name, points in experiments.PAPER_SYNTHETIC.items():
        assert all(0 <= v <= 1 for v in points.values()), name


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: experiments.uniform(0, 3, 0), r"^n = 0.* must be >= 1"),
        (lambda: experiments.orthogonal(5, 4, 0), r"^d = 4.* must be >= 5"),
        (lambda: experiments.stored("fashion"), r"^name = 'fashion' must be one of"),
        (lambda: experiments.means(5, 4, 0, square=0.0), r"^square = 0.0 must be > 0"),
        (
            lambda: experiments.learn(np.eye(2), [1, -1], leak=0.5, eps=1.0, attack="x", seed=0),
            r"^attack = 'x' must be one of",
        ),
        (
            lambda: experiments.learn(np.eye(2), [1, -1], leak=0.5, eps=1.0, test=(np.eye(3), np.ones(3)), seed=0),
            r"^test has shape \(3, 3\)",
        ),
        (lambda: experiments.learn(np.eye(2), [1, 2], leak=0.5, eps=1.0, seed=0), r"^y contains 2.0"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
