"""Where runs stand at one time and what an adversary answers there: the data of every ledger of this wing."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from robustnn_core import checks, laws, nets
from robustnn_core.neurotron import theory
from robustnn_core.neurotron.inputs import check_finite, check_m, check_pair

__all__ = ["Snapshot", "greedy_snapshot", "one_step"]


@dataclass(frozen=True, eq=False)
class Snapshot:
    r"""Where R runs stand at one time, and what an adversary answers at every input from there.

    Attributes
    ----------
    net : nets.SingleFilterNet
    law : laws.Symmetrised
    M : ndarray, shape (r, n)
    w_star : ndarray, shape (r,)
    weights : ndarray, shape (R, r)
    xi : ndarray, shape (R, 2N)
        The adversary's answer to run i at the input ``law.points()[j]``.
    theta : float
        Its budget.
    """

    net: nets.SingleFilterNet
    law: laws.Symmetrised
    M: np.ndarray
    w_star: np.ndarray
    weights: np.ndarray
    xi: np.ndarray
    theta: float

    @cached_property
    def constants(self):
        """What the theorems know of the net, the law and M, :class:`~robustnn_core.neurotron.Constants`."""
        return theory.constants(self.net, self.law, self.M)

    @cached_property
    def X(self):
        """The equally likely inputs, (2N, n): the second half is minus the first."""
        return self.law.points()

    @cached_property
    def e(self):
        """Errors w - w*, (R, r)."""
        return self.weights - self.w_star

    @cached_property
    def size(self):
        """|e|, (R,)."""
        return np.linalg.norm(self.e, axis=1)

    @cached_property
    def unit(self):
        """e/|e|, (R, r)."""
        if self.size.min() == 0:
            raise ValueError("shot.weights holds w* itself, where the error has no direction; leave that row out")
        return self.e / self.size[:, None]

    @cached_property
    def MX(self):
        """Mx, (2N, r)."""
        return self.X @ self.M.T

    @cached_property
    def pull(self):
        """e . Mx, (R, 2N)."""
        return self.e @ self.MX.T

    @cached_property
    def seen(self):
        """What each patch sees of w and of w*: (R, k, 2N) and (k, 2N)."""
        views = self.net.patches @ self.X.T
        return np.einsum("ar,krj->akj", self.weights, views), np.einsum("r,krj->kj", self.w_star, views)

    @cached_property
    def h(self):
        """f_{w*} - f_w as the net itself says, (R, 2N)."""
        return self.net.predict(self.w_star, self.X) - np.stack([self.net.predict(w, self.X) for w in self.weights])


def greedy_snapshot(net, law, w_star, weights, *, theta, M=None):
    r"""A :class:`Snapshot` in which the adversary is the greedy one.

    Parameters
    ----------
    net : nets.SingleFilterNet
    law : laws.Symmetrised
    w_star : array_like, shape (r,)
    weights : array_like, shape (R, r)
        For instance ``train(...).weights``.
    theta : float >= 0
    M : array_like, shape (r, n), optional

    Raises
    ------
    ValueError
        A law whose expectations are not finite sums, or bad shapes.

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron.proofs import greedy_snapshot
    >>> law = laws.Symmetrised([[1.0, 0.0], [0.0, 2.0]])
    >>> shot = greedy_snapshot(nets.SingleFilterNet.gate(2), law, [1.0, 1.0], [[0.0, 0.0]], theta=0.5)
    >>> shot.xi
    array([[-0.5, -0.5,  0.5,  0.5]])
    """
    check_pair(net, law)
    check_finite(law)
    M = check_m(net, M)
    r = M.shape[0]
    w_star = checks.array(w_star, "w_star", shape=(r,))
    weights = checks.array(weights, "weights", shape=("R", r))
    theta = checks.number(theta, "theta", at_least=0.0)
    xi = theta * np.where((weights - w_star) @ (law.points() @ M.T).T >= 0, 1.0, -1.0)
    return Snapshot(net, law, M, w_star, weights, xi, theta)


def one_step(shot, eta):
    r"""Return :math:`E[|w + \eta g - w^*|^2 \mid w]` of every run of a snapshot, exactly, shape (R,).

    Parameters
    ----------
    shot : Snapshot
    eta : float

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron.proofs import greedy_snapshot, one_step
    >>> law = laws.Symmetrised([[1.0, 0.0], [0.0, 2.0]])
    >>> shot = greedy_snapshot(nets.SingleFilterNet.gate(2), law, [1.0, 1.0], [[0.0, 0.0]], theta=0.0)
    >>> one_step(shot, 0.1)
    array([1.7925])
    """
    length = (shot.MX**2).sum(axis=1)
    residual = shot.h + shot.xi
    return shot.size**2 + 2 * eta * (residual * shot.pull).mean(axis=1) + eta**2 * (residual**2 * length).mean(axis=1)
