import numpy as np
import pytest

from robustnn_core import breakdown, nets, streams
from robustnn_core.breakdown import adversaries, proofs


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "fraction, adversary",
    [(0.24, adversaries.ActiveHalf(0.5)), (0.24, adversaries.ActiveHalf(2.0)), (0.1, adversaries.Impostor())],
)
def test_ledger_of_the_positive_half(seed, fraction, adversary):
    X, net = breakdown.NetProblem(400, 5, (1,), balanced=True).draw(seed)
    y, _ = breakdown.corrupt(X, net.predict(X), fraction=fraction, adversary=adversary, seed=seed, model=net)
    proofs.positive_half(X, y, net.weights[0], seed=seed).assert_holds()


def test_ledgers_on_other_data():
    rng = streams.generator(5)
    proofs.relu_distance(rng.standard_normal((10, 3)) + [0.5, 0, 0], [1.0, 0.2, -0.1]).assert_holds()
    for n, d, lift in ((10, 1, 0.0), (13, 3, 0.5), (20, 2, 9.0)):  # the last with every point active
        proofs.coverage(rng.standard_normal((n, d)) + lift * np.eye(d)[0], np.eye(d)[0]).assert_holds()
    X = rng.standard_normal((3000, 4))
    b = np.zeros(3000)
    b[np.argsort(-np.abs(X[:, 0]))[:200]] = 7.0
    proofs.contraction(X, rng.standard_normal(4), b, keep=2790).assert_holds()
    net = nets.ReLUSum(rng.standard_normal((4, 3)), [1, -1, 1, -1])
    proofs.majoriser(rng.standard_normal((60, 3)), rng.standard_normal(60), net, seed=0).assert_holds()
    proofs.merge(net, (1, 3), 0.3, X=rng.standard_normal((2000, 3))).assert_holds()
    proofs.infer_is_joint(
        rng.standard_normal((300, 3)), rng.standard_normal(300), net, rng.random(300) < 0.7
    ).assert_holds()
    proofs.three_units(0.5).assert_holds()


def test_a_newton_step_needs_full_rank():
    """A unit that no point turns on leaves its weights free."""
    rng = np.random.default_rng(0)
    X = np.abs(rng.standard_normal((40, 2)))
    with pytest.raises(ValueError, match=r"^X gives a Z of rank 2 < Kd = 4"):
        proofs.whole_newton_step(X, rng.standard_normal(40), nets.ReLUSum([[1.0, 1.0], [-1.0, -1.0]], [1, -1]))


def test_a_ledger_fails_where_the_theorem_does_not_apply():
    """More corruption than the bound: the counting step of the proof must fail."""
    X, net = breakdown.NetProblem(400, 5, (1,), balanced=True).draw(0)
    y, _ = breakdown.corrupt(X, net.predict(X), fraction=0.3, adversary=adversaries.ActiveHalf(0.5), seed=0, model=net)
    with pytest.raises(AssertionError, match="5 of 7 steps"):
        proofs.positive_half(X, y, net.weights[0], seed=0).assert_holds()
