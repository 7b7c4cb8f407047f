import numpy as np
import pytest

from robustnn_core import convex, nets
from robustnn_core.convex import verify
from tests.convex.draws import draw


def test_mixing():
    net, X, y = draw(4, 3, 6, 50)
    accurate = nets.ReLUSum(8.0 * net.weights, net.signs)

    class Opaque:
        predict = staticmethod(accurate.predict)

    for a in (0.0, 0.2, 0.4):
        known, opaque = convex.mix(net, accurate, weight=a), convex.mix(net, Opaque(), weight=a)
        margin = known.certified_margin(X, y, radius=0.1)
        assert (opaque.certified_margin(X, y, radius=0.1) <= margin + 1e-15).all()
        for seed in range(20):
            moves = 0.1 * np.random.default_rng(seed).choice([-1.0, 1.0], X.shape)
            assert (margin <= y * known.predict(X + moves) + 1e-12).all()
        robust = np.clip(verify.net_bounds(net, X, y, radius=0.1).low, -1, 1)
        assert ((opaque.certified_margin(X, y, radius=0.1) > 1e-12) == (robust > a / (1 - a) + 1e-12)).all()


def test_bad_input():
    net, *_ = draw(0, 3, 4, 2)
    for call, message in (
        (lambda: convex.mix(net, net, weight=1.0), "^weight = 1.0 must be >= 0 and < 1"),
        (lambda: convex.mix(net, None, weight=0.1), "^accurate_net = NoneType must have a method predict"),
        (lambda: convex.mix(None, net, weight=0.1), "^robust_net = NoneType must be a nets.ReLUSum"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
