import numpy as np
import pytest

from robustnn_core import laws, nets
from robustnn_core.neurotron import inputs, proofs

GATE = nets.SingleFilterNet.gate(2)


def test_what_fits_passes():
    assert inputs.check_pair(GATE, laws.Gaussian(2)) is None
    assert inputs.check_finite(laws.Symmetrised(np.eye(2))) is None
    assert inputs.check_direction([2, 0], 2).tolist() == [2.0, 0.0]
    np.testing.assert_array_equal(inputs.check_m(GATE, None), GATE.mean_patch)
    np.testing.assert_array_equal(inputs.check_m(GATE, [[1, 2], [3, 4]]), [[1.0, 2.0], [3.0, 4.0]])


def shot(net=GATE, M=None):
    law = laws.Symmetrised(np.eye(net.patches.shape[2]))
    return proofs.greedy_snapshot(
        net, law, np.ones(len(net.mean_patch)), [np.zeros(len(net.mean_patch))], theta=0.1, M=M
    )


def test_a_single_gate_passes_and_nothing_else():
    assert inputs.check_gate(shot()) is None
    for other in (shot(M=2 * np.eye(2)), shot(nets.SingleFilterNet.convolution(3, 2))):
        with pytest.raises(ValueError, match="^shot must be of a single gate with M = I"):
            inputs.check_gate(other)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: inputs.check_pair(np.eye(2), laws.Gaussian(2)), r"(?s)^net = .* must be a nets.SingleFilterNet"),
        (lambda: inputs.check_pair(GATE, 3), r"^law = 3 must be one of the laws of robustnn_core.laws"),
        (lambda: inputs.check_pair(GATE, laws.Cube(3)), r"^law has dimension n = 3, but the patches of net see n = 2"),
        (lambda: inputs.check_finite(laws.Cube(2)), r"^law = Cube has no finite sums; sample it"),
        (lambda: inputs.check_m(GATE, np.zeros((2, 2))), r"^M is 0, so the weights would never move"),
        (lambda: inputs.check_direction([0, 0], 2), r"^direction is 0; give any other vector"),
        (lambda: inputs.check_direction([1, 0], 3), r"^direction has shape \(2,\); it must have shape \(3,\)"),
        (lambda: inputs.check_m(GATE, np.eye(3)), r"^M has shape \(3, 3\); it must have shape \(2, 2\)"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
