"""The parts of the kernel; its results are held against the plain loops in ``test_training.py``."""

import numba
import numpy as np

from robustnn_core import laws, nets, streams
from robustnn_core.neurotron import _kernel
from robustnn_core.neurotron import adversaries as adv


def test_gather_keeps_every_number_in_its_place():
    stack = np.array([[[1.0, 0, 0], [0, 2, -1]], [[0, 0, 0], [1, 1, 1]]])
    values, columns = _kernel.gather(stack)
    assert values.shape == columns.shape == (4, 3)
    again = np.zeros((4, 3))
    for row in range(4):
        for value, column in zip(values[row], columns[row]):
            again[row, column] += value
    np.testing.assert_array_equal(again, stack.reshape(4, 3))


def test_a_matrix_that_picks_coordinates_has_one_number_a_row():
    for stack in (np.eye(3)[None], nets.SingleFilterNet.convolution((4, 4), (2, 2), 2).patches, np.zeros((1, 2, 2))):
        assert _kernel.gather(stack)[0].shape[1] == 1


def test_the_gil_is_held_only_outside():
    for kernel in (
        _kernel.advance,
        _kernel.advance_around(numba.njit(lambda x, mx, w, w_star, clean, theta, coin: 0.0)),
    ):
        assert isinstance(kernel, numba.core.dispatcher.Dispatcher) and kernel.targetoptions["nogil"]


def steps(adversary_code, theta, counts):
    """Weights and answer after the given numbers of steps of 20 repeats (more than the lanes) of a linear gate."""
    eye = _kernel.gather(np.eye(2)[None])
    w_star, w_adv, weights = np.array([1.0, -1.0]), np.array([1.0, 1.0]), np.zeros((20, 2))
    code, data = laws.Gaussian(2)._kernel_form()
    problem = (2, code, data, eye, 1, 1.0, eye, w_star, 0.1, adversary_code, theta, 1.0, w_adv)
    states, said = streams.states(0, 40).reshape(20, 8), 0.0
    for count in counts:
        said = _kernel.advance(*problem, np.empty((20, 0, 0)), states, weights, count)
    return weights, said


def test_steps_in_two_goes_are_the_steps_in_one():
    one, said = steps(adv.NONE, 0.0, [70])
    two, _ = steps(adv.NONE, 0.0, [32, 38])
    assert said == 0.0 and np.ptp(one, axis=0).min() > 0.0
    np.testing.assert_array_equal(one, two)
    assert np.abs(steps(adv.NONE, 0.0, [2000])[0] - [1.0, -1.0]).max() < 1e-9


def test_an_answer_beyond_the_budget_comes_back():
    assert steps(adv.IMPOSTOR, 1e-3, [5])[1] > 1e-3
    assert steps(adv.IMPOSTOR, np.inf, [5])[1] == 0.0
