"""The kernel of Neuro-Tron: many steps of many repeats, side by side."""

import math
import types
from functools import lru_cache

import numpy as np
from numba import njit

from robustnn_core import laws, streams
from robustnn_core.neurotron import adversaries as adv

__all__ = ["LANES", "advance", "advance_around", "gather"]

LANES = 16  # repeats that advance side by side: the loops over i below become vector instructions
_BLOCK = 32  # inputs drawn at a time


def gather(stack):
    """A stack of matrices (k, r, n) for the kernel: values (k r, q) and columns (k r, q), q non-zeros a row.

    The identity and every convolution have q = 1: such a matrix only picks coordinates.
    """
    rows = stack.reshape(-1, stack.shape[2])
    width = max(1, int(np.count_nonzero(rows, axis=1).max()))
    columns = np.argsort(rows == 0, axis=1, kind="stable")[:, :width]
    return np.take_along_axis(rows, columns, axis=1).copy(), columns.astype(np.int64)


@njit(cache=True)
def _attack(x, mx, w, w_star, clean, theta, coin):
    """The place of a user's adversary; never called for the built-in ones."""
    return 0.0


def _advance(
    n,
    law_code,
    law_data,
    patches,
    k,
    leak,
    filters,
    w_star,
    eta,
    adv_code,
    theta,
    probability,
    w_adv,
    given,
    states,
    weights,
    steps,
    sign=False,
    decay=1.0,
    begun=0,
):
    """Make ``steps`` updates of every row of ``weights``, in place; 0.0, or the |xi| that broke the budget (or nan).

    With ``sign`` they are those of ``train_sign`` (k = 1, and ``filters`` its only patch). The step of update t of the
    run is eta decay^t; ``begun`` updates were made before.

    Arrays of the innermost loops end with the axis of the repeats i. Each repeat sees the same
    operations in the same order whatever its neighbours are, hence the same bits.
    """
    a_values, a_columns = patches
    m_values, m_columns = filters
    repeats, r = weights.shape
    even, odd = 0.5 * (1.0 - leak) / k, 0.5 * (1.0 + leak) / k  # sigma(z) = odd z + even |z|, over k
    drawn, X = np.empty((_BLOCK, n)), np.empty((_BLOCK, n, LANES))
    w, mx, seen = np.empty((r, LANES)), np.empty((r, LANES)), np.empty(LANES)
    z, z_star, z_adv = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    present, clean, posed = np.empty(LANES), np.empty(LANES), np.empty(LANES)  # f_w, f_{w*}, f_{w_adv} at x
    push, xi = np.empty(LANES), np.empty(LANES)
    one_x, one_mx, one_w, one_star = np.empty(n), np.empty(r), np.empty(r), np.empty(r)
    for first in range(0, repeats, LANES):
        lanes = min(LANES, repeats - first)
        for i in range(lanes):
            for j in range(r):
                w[j, i] = weights[first + i, j]
        for begin in range(0, steps, _BLOCK):
            count = min(_BLOCK, steps - begin)
            for i in range(lanes):
                if law_code != laws.GIVEN:
                    laws.draw_rows(law_code, law_data, states[first + i, :4], drawn[:count])
                for t in range(count):
                    for j in range(n):
                        X[t, j, i] = given[first + i, begin + t, j] if law_code == laws.GIVEN else drawn[t, j]

            for t in range(count):
                for i in range(lanes):
                    present[i], clean[i], posed[i], push[i], xi[i] = 0.0, 0.0, 0.0, 0.0, 0.0
                row = 0
                for _ in range(k):
                    for i in range(lanes):
                        z[i], z_star[i], z_adv[i] = 0.0, 0.0, 0.0
                    for j in range(r):
                        value, column = a_values[row, 0], a_columns[row, 0]
                        for i in range(lanes):
                            seen[i] = value * X[t, column, i]
                        for e in range(1, a_values.shape[1]):
                            value, column = a_values[row, e], a_columns[row, e]
                            for i in range(lanes):
                                seen[i] += value * X[t, column, i]
                        true = w_star[j]
                        for i in range(lanes):
                            z[i] += w[j, i] * seen[i]
                            z_star[i] += true * seen[i]
                        if adv_code == adv.IMPOSTOR:
                            false = w_adv[j]
                            for i in range(lanes):
                                z_adv[i] += false * seen[i]
                        row += 1
                    for i in range(lanes):
                        present[i] += odd * z[i] + even * abs(z[i])
                        clean[i] += odd * z_star[i] + even * abs(z_star[i])
                        posed[i] += odd * z_adv[i] + even * abs(z_adv[i])

                for j in range(r):
                    value, column = m_values[j, 0], m_columns[j, 0]
                    for i in range(lanes):
                        mx[j, i] = value * X[t, column, i]
                    for e in range(1, m_values.shape[1]):
                        value, column = m_values[j, e], m_columns[j, e]
                        for i in range(lanes):
                            mx[j, i] += value * X[t, column, i]
                    true, false = w_star[j], w_adv[j]
                    for i in range(lanes):
                        push[i] += (false if adv_code == adv.FIXED_LIE else w[j, i] - true) * mx[j, i]

                if adv_code == adv.CONSTANT:
                    for i in range(lanes):
                        xi[i] = theta
                elif adv_code == adv.RANDOM_SIGN:
                    for i in range(lanes):
                        xi[i] = math.copysign(theta, streams.uniform(states[first + i, 4:]) - 0.5)
                elif adv_code == adv.GREEDY or adv_code == adv.FIXED_LIE:
                    for i in range(lanes):
                        xi[i] = math.copysign(theta, push[i])
                elif adv_code == adv.IMPOSTOR:
                    for i in range(lanes):
                        xi[i] = posed[i] - clean[i]
                elif adv_code == adv.COMPILED:
                    for i in range(lanes):
                        for j in range(n):
                            one_x[j] = X[t, j, i]
                        for j in range(r):
                            one_mx[j], one_w[j], one_star[j] = mx[j, i], w[j, i], w_star[j]
                        xi[i] = _attack(  # on copies: what it writes into them is lost
                            one_x, one_mx, one_w, one_star, clean[i], theta, streams.uniform(states[first + i, 4:])
                        )
                if probability < 1.0:
                    for i in range(lanes):
                        if streams.uniform(states[first + i, 4:]) >= probability:
                            xi[i] = 0.0
                if adv_code == adv.IMPOSTOR or adv_code == adv.COMPILED:
                    for i in range(lanes):
                        if not abs(xi[i]) <= theta * (1 + 1e-12):
                            alive = True  # the answer to a learner that has diverged is not the adversary's fault
                            for j in range(r):
                                alive = alive and math.isfinite(w[j, i])
                            if alive:
                                return abs(xi[i])

                step = eta * decay ** (begun + begin + t) if decay < 1.0 else eta
                if sign:
                    for i in range(lanes):
                        gap = clean[i] - present[i] + xi[i]
                        side = 1.0 if gap > 0.0 else -1.0 if gap < 0.0 else 0.0
                        push[i] = step * side if leak > 0.0 or z[i] > 0.0 else 0.0
                    if leak == 0.0:
                        for i in range(lanes):
                            if z[i] == 0.0:  # the gate's edge: 0+ if the first coordinate that is not 0 is positive
                                j = 0
                                while j < r - 1 and mx[j, i] == 0.0:
                                    j += 1
                                if mx[j, i] > 0.0:
                                    push[i] = step if clean[i] + xi[i] > 0.0 else -step
                else:
                    for i in range(lanes):
                        push[i] = step * (clean[i] - present[i] + xi[i])
                for j in range(r):
                    for i in range(lanes):
                        w[j, i] += push[i] * mx[j, i]
        for i in range(lanes):
            for j in range(r):
                weights[first + i, j] = w[j, i]
    return 0.0


advance = njit(cache=True, nogil=True)(_advance)


@lru_cache(maxsize=32)
def advance_around(attack):
    """The same kernel, compiled around a user's adversary in the place of ``_attack`` (some seconds)."""
    body = types.FunctionType(_advance.__code__, {**globals(), "_attack": attack})
    return njit(nogil=True)(body)
