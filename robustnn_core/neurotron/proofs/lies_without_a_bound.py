"""The ledger of *Lies without a bound*: what one step of the signs does, and the theorem's step and T."""

import numpy as np

from robustnn_core import checks
from robustnn_core.ledger import Ledger
from robustnn_core.neurotron import schedules
from robustnn_core.neurotron.inputs import check_gate

__all__ = ["sign_moves", "unbounded_lies"]


def sign_moves(shot, xi):
    r"""Return s 1{w.x > 0} of every run and input of a snapshot: the update is eta times it times x, (R, 2N).

    Parameters
    ----------
    shot : Snapshot
        Of a single gate (k = 1, A = M = I) with a leak in [0, 1].
    xi : float or array_like, shape (R, 2N)
        What is added to the labels; 0 for honest ones, inf is a number here.

    Notes
    -----
    With a leak there is no gate. Without one an input with w.x = 0 counts as inside if its first coordinate
    that is not 0 is positive, and the output there as a positive number below any other.

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron.proofs import greedy_snapshot, sign_moves
    >>> law = laws.Symmetrised([[1.0, 0.0], [0.0, 2.0]])
    >>> shot = greedy_snapshot(nets.SingleFilterNet.gate(2), law, [1.0, 1.0], [[0.0, 0.5]], theta=1.0)
    >>> sign_moves(shot, 0.0)  # w.x = 0, 1, 0, -1
    array([[1., 1., 0., 0.]])
    """
    check_gate(shot)
    checks.number(shot.net.leak, "shot.net.leak", at_least=0.0, at_most=1.0)
    gap = shot.h + xi
    if shot.net.leak > 0:
        return np.sign(gap)
    z, X = shot.seen[0][:, 0], shot.X
    first = X[np.arange(len(X)), (X != 0).argmax(axis=1)]
    edge = np.where((z == 0) & (first > 0), np.where(gap > 0, 1.0, -1.0), 0.0)
    return np.where(z > 0, np.sign(gap), edge)


def unbounded_lies(shot, *, probability, delta):
    r"""Signs under lies of any size: one step exactly, the theorem's step and number of steps, and why b < 1/2.

    Every label of the snapshot is the adversary's with the probability b, whatever x is, and honest otherwise.

    Parameters
    ----------
    shot : Snapshot
        Of a single gate (k = 1, A = M = I) with a leak in [0, 1], no run at w* itself. Its lies may have any size.
    probability : float in [0, 1/2)
    delta : float in (0, 1)

    Raises
    ------
    ValueError
        Another net, a leak outside [0, 1], probability or delta out of range, or inputs that leave a direction out.

    Examples
    --------
    >>> from robustnn_core import laws, nets
    >>> from robustnn_core.neurotron.proofs import greedy_snapshot, unbounded_lies
    >>> law = laws.Symmetrised([[1.0, 0.0], [0.0, 2.0]])
    >>> shot = greedy_snapshot(nets.SingleFilterNet.gate(2), law, [1.0, 1.0], [[0.0, 0.5]], theta=1e9)
    >>> unbounded_lies(shot, probability=0.3, delta=0.1).assert_holds().rows[-1].label
    'K10'
    """
    b, c, size = probability, shot.constants, shot.size
    honest, lie = sign_moves(shot, 0.0), sign_moves(shot, shot.xi)
    a, B = schedules.sign_constants(c, b)
    gate = np.abs(sign_moves(shot, np.inf))
    share, pull, length = (0.5 if shot.net.leak == 0 else 1.0), np.abs(shot.pull), (shot.X**2).sum(axis=1)
    R = float(size.max())
    plan = schedules.sign_schedule(c, probability=b, delta=delta, start=R)
    eta, T = plan.eta, plan.steps

    def mean(answers):
        """E over x of what an update of ``answers`` does: to e . x, and to |e|^2 with its square."""
        drift = (answers * shot.pull).mean(axis=1)
        return drift, size**2 + 2 * eta * drift + eta**2 * (answers**2 * length).mean(axis=1)

    (drift, after), (told, spoilt) = mean(honest), mean(lie)
    drift, after = (1 - b) * drift + b * told, (1 - b) * after + b * spoilt
    worst = mean(gate * np.sign(shot.pull))[1]  # a liar that is believed pulls every step away from w*
    at_half = (mean(honest)[1] + worst) / 2

    def bound(eta, T):
        """Of the mean error over T iterates: the steps summed, |e_T|^2 >= 0."""
        return R**2 / (eta * a * T) + eta * B / a

    ledger = Ledger("Lies without a bound")
    ledger.eq("K1", r"s\,e\cdot x\,1_{w\cdot x>0}=-|e\cdot x|\,1_{w\cdot x>0}", honest * shot.pull, -gate * pull)
    ledger.leq("K2", r"\tilde s\,e\cdot x\,1_{w\cdot x>0}\le|e\cdot x|\,1_{w\cdot x>0}", lie * shot.pull, gate * pull)
    ledger.eq(
        "K3",
        r"\mathbb E|e\cdot x|1_{w\cdot x>0}=\tfrac12\mathbb E|e\cdot x|",
        (gate * pull).mean(axis=1),
        share * pull.mean(axis=1),
    )
    ledger.leq("K4", r"q\le\mathbb E|u\cdot x|\quad(u=e/|e|)", c.least, np.abs(shot.unit @ shot.X.T).mean(axis=1))
    ledger.leq("K5", r"2\,\mathbb E[s\,e\cdot x\,1_{w\cdot x>0}]\le-a|e|", 2 * drift, -a * size)
    ledger.eq("K6", r"\mathbb E|x|^21_{w\cdot x>0}=B", (gate * length).mean(axis=1), B)
    ledger.leq(
        "K7", r"\mathbb E[|e^+|^2\mid w]\le|e|^2-\eta a|e|+\eta^2B", after, size**2 - eta * a * size + eta**2 * B
    )
    ledger.leq("K8", r"\tfrac{R^2}{\eta aT}+\tfrac{\eta B}a\le\tfrac{\delta R}2", bound(eta, T), delta * R / 2)
    others = eta * np.geomspace(0.1, 10, 41)
    ledger.lt(
        "K9",
        r"\tfrac{\delta R}2<\tfrac{R^2}{\eta'a(T-1)}+\tfrac{\eta'B}a\ (\text{all }\eta')",
        delta * R / 2,
        bound(others, T - 1),
    )
    ledger.lt("K10", r"b=\tfrac12:\ |e|^2<\mathbb E[|e^+|^2\mid w]", size**2, at_half)
    return ledger
