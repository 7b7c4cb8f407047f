import dataclasses

import numpy as np
import pytest

from robustnn_core import convex
from robustnn_core.convex import experiments, proofs_robust


@pytest.mark.parametrize("loss", ["hinge", "logistic", "squared"])
def test_ledgers(loss):
    X, y = experiments.plane("random", 10, 0)
    f = convex.fit_robust(X, y, experiments.gates(X, 20, 1, bias=-1), beta=0.01, radius=0.05, bias=-1, loss=loss)
    proofs_robust.certificate(f, X, y).assert_holds()
    proofs_robust.worst_case(f.v[:, 0] - 0.3, X, y, radius=0.05, bias=-1, loss=loss).assert_holds()
    shrunk = dataclasses.replace(f, radius=1.5 * f.radius)
    with pytest.raises(AssertionError, match="C3"):
        proofs_robust.certificate(dataclasses.replace(shrunk, v=-f.v), X, y).assert_holds()


def test_width_loss():
    proofs_robust.width_loss().assert_holds()


def test_bad_input():
    with pytest.raises(ValueError, match="^radius moves 13 columns"):
        proofs_robust.worst_case(np.ones(13), np.zeros((2, 13)), [1, 1], radius=0.1)
    with pytest.raises(ValueError, match="^fit = NoneType"):
        proofs_robust.certificate(None, [[1.0]], [1])
