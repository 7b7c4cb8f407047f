import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustnn_core import nets, streams
from robustnn_core.breakdown import impostors, theory


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), K=st.integers(1, 4))
def test_plane_disagreement_against_a_grid(seed, K):
    rng = streams.generator(seed)
    one = nets.ReLUSum(rng.standard_normal((K, 2)), np.where(rng.random(K) < 0.5, 1, -1))
    weights = one.weights.copy()
    weights[0] *= 2.0
    other = nets.ReLUSum(weights, one.signs)
    angle = (np.arange(20_000) + 0.5) * 2 * np.pi / 20_000
    X = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    share = np.mean(np.abs(one.predict(X) - other.predict(X)) > 1e-9)
    assert impostors.plane_disagreement(one, other) == pytest.approx(share, abs=1e-3) == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize("tau", [0.05, 0.3, 1.0])
def test_three_units_beat_the_angle_bound(tau):
    net, impostor, bound = impostors.three_units(tau)
    assert impostors.plane_disagreement(net, impostor) == pytest.approx(2 * bound)
    assert bound <= theory.angle_bound(net.weights) + 1e-12 and (net.signs == impostor.signs).all()


@pytest.mark.parametrize("epsilon", [0.0, 0.02])
def test_four_units_on_an_open_set(epsilon):
    net, _, bound = impostors.four_units(0.05, epsilon)
    assert bound < 0.05 < theory.angle_bound(net.weights)
