"""What the functions of this wing accept: a net and a law that fit, a law that is a finite sum, an M, a direction."""

import numpy as np

from robustnn_core import checks, laws, nets

__all__ = ["check_direction", "check_finite", "check_gate", "check_m", "check_pair", "check_single"]


def check_pair(net, law):
    """Refuse what is no net, no law, or a law whose inputs the net cannot take.

    Raises
    ------
    ValueError
        Names the argument.

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron.inputs import check_pair
    >>> check_pair(nets.SingleFilterNet.gate(2), laws.Gaussian(3))
    Traceback (most recent call last):
        ...
    ValueError: law has dimension n = 3, but the patches of net see n = 2
    """
    if not isinstance(net, nets.SingleFilterNet):
        raise ValueError(f"net = {net!r} must be a nets.SingleFilterNet")
    if not isinstance(law, laws.Law):
        raise ValueError(f"law = {law!r} must be one of the laws of robustnn_core.laws")
    if law.n != net.patches.shape[2]:
        raise ValueError(f"law has dimension n = {law.n}, but the patches of net see n = {net.patches.shape[2]}")


def check_direction(direction, n):
    """Return a direction in R^n, any vector but 0, as an array.

    Raises
    ------
    ValueError
        Another shape, not finite, or 0.

    Examples
    --------
    >>> from robustnn_core.neurotron.inputs import check_direction
    >>> check_direction([0.0, 0.0], 2)
    Traceback (most recent call last):
        ...
    ValueError: direction is 0; give any other vector
    """
    direction = checks.array(direction, "direction", shape=(n,))
    if not direction.any():
        raise ValueError("direction is 0; give any other vector")
    return direction


def check_finite(law):
    """Refuse a law whose expectations are not finite sums.

    Raises
    ------
    ValueError
        ``law`` is no ``laws.Symmetrised``.

    Examples
    --------
    >>> from robustnn_core import laws
    >>> from robustnn_core.neurotron.inputs import check_finite
    >>> check_finite(laws.Gaussian(3))
    Traceback (most recent call last):
        ...
    ValueError: law = Gaussian has no finite sums; sample it and use laws.Symmetrised(X)
    """
    if not isinstance(law, laws.Symmetrised):
        raise ValueError(f"law = {type(law).__name__} has no finite sums; sample it and use laws.Symmetrised(X)")


def check_m(net, M):
    """Return M as an array of the shape of the mean patch of ``net``, which it is when not given.

    Raises
    ------
    ValueError
        M has another shape, is not finite, or is 0.

    Examples
    --------
    >>> from robustnn_core import nets
    >>> from robustnn_core.neurotron.inputs import check_m
    >>> check_m(nets.SingleFilterNet.gate(2), None)
    array([[1., 0.],
           [0., 1.]])
    """
    M = net.mean_patch if M is None else checks.array(M, "M", shape=net.mean_patch.shape)
    if not M.any():
        raise ValueError("M is 0, so the weights would never move; give the mean patch or best_m(net, law)")
    return M


def check_gate(shot):
    """Refuse a snapshot of anything but a single gate with M = I."""
    n = shot.net.patches.shape[2]
    if shot.net.patches.shape != (1, n, n) or not (
        np.array_equal(shot.net.patches[0], np.eye(n)) and np.array_equal(shot.M, np.eye(n))
    ):
        raise ValueError("shot must be of a single gate with M = I; see SingleFilterNet.gate")


def check_single(net):
    """Refuse a net that is not one gate: several patches, or a leak outside [0, 1].

    Raises
    ------
    ValueError
        Names what is wrong.

    Examples
    --------
    >>> from robustnn_core import nets
    >>> from robustnn_core.neurotron.inputs import check_single
    >>> check_single(nets.SingleFilterNet.convolution(5, 3))
    Traceback (most recent call last):
        ...
    ValueError: net has 3 patches; the sign of an error says which way to go for one gate only: give one patch
    """
    if len(net.patches) != 1:
        raise ValueError(
            f"net has {len(net.patches)} patches; the sign of an error says which way to go for one gate only: "
            "give one patch"
        )
    checks.number(net.leak, "net.leak", at_least=0.0, at_most=1.0)
