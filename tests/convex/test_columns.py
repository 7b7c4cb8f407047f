"""Which cells a refinement takes in."""

import numpy as np

from robustnn_core import convex, streams
from robustnn_core.convex import _columns
from robustnn_core.convex.price import price_local


def start(seed):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((40, 5)), rng.standard_normal(40)
    fit = convex.fit(X, y, convex.sample_patterns(X, 6, seed=seed), beta=0.2)
    units = fit.net.weights.T
    return X, fit, units, price_local(X, fit.dual, fit.beta, streams.generator(seed), 16, units)


def test_new_cells_are_new_dear_and_made_by_their_gates():
    for seed in range(3):
        X, fit, units, found = start(seed)
        active, gates = _columns.new_columns(X, fit, units, found, fit.beta, 7)
        assert ((X @ gates >= 0) == active).all() and active.any(axis=0).all()
        every = {column.tobytes() for column in active.T}
        assert len(every) == active.shape[1] <= 14
        assert not every & {column.tobytes() for column in fit.patterns.active.T}
        assert (np.linalg.norm(X.T @ (fit.dual[:, None] * active), axis=0) > fit.beta).all()


def test_nothing_dearer_nothing_new():
    X, fit, units, found = start(0)
    assert _columns.new_columns(X, fit, units, found, 2.0 * found.value, 7) is None


def test_centred_gates_are_distinct_and_far_from_the_hyperplanes():
    rng = np.random.default_rng(2)
    X, gates = rng.standard_normal((8, 3)), rng.standard_normal((3, 30))
    gates[:, 0] = np.cross(X[0], X[1]) + 1e-7 * X[0]  # beside two hyperplanes
    gates[:, 1] = -gates[:, 0]
    made = X @ gates >= 0
    sees = {column.tobytes() for column in made.T if column.any()}
    active, central = _columns.centred(X, made, gates)
    assert {column.tobytes() for column in active.T} == sees and active.shape[1] == len(sees)
    assert ((X @ central >= 0) == active).all()
    distance = np.abs(X @ central) / np.linalg.norm(X, axis=1)[:, None] / np.linalg.norm(central, axis=0)
    assert distance.min() > 1e-4
