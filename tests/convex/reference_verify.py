"""The least value of a two-layer net over a box, plainly: at the vertices of its pieces, or by every choice of signs"""

import itertools
from fractions import Fraction

import numpy as np
from scipy.optimize import linprog


def least_on_a_segment(weights, signs, x, e):
    """Exactly, as a Fraction: f on the line x + t e, |t| <= 1, is least at an end or where a unit turns."""
    U = [[Fraction(float(v)) for v in row] for row in weights]
    x, e = [Fraction(float(v)) for v in x], [Fraction(float(v)) for v in e]
    at = [sum(a * b for a, b in zip(u, x)) for u in U]
    by = [sum(a * b for a, b in zip(u, e)) for u in U]
    places = [Fraction(-1), Fraction(1)] + [-a / b for a, b in zip(at, by) if b != 0]
    values = [
        sum(int(s) * max(a + t * b, Fraction(0)) for s, a, b in zip(signs, at, by)) for t in places if -1 <= t <= 1
    ]
    return min(values)


def least_in_the_plane(weights, signs, x, e):
    """A piecewise linear function on a rectangle is least at a corner of a piece: where two of its lines meet."""
    lines = [(u, -float(u @ x)) for u in weights]
    for j in range(2):
        lines += [(np.eye(2)[j], e[j]), (np.eye(2)[j], -e[j])]
    best = np.inf
    for (a, b), (c, d) in itertools.combinations(lines, 2):
        M = np.stack([a, c])
        if abs(np.linalg.det(M)) < 1e-12:
            continue
        p = np.linalg.solve(M, np.array([b, d]))
        if (np.abs(p) <= e * (1 + 1e-12)).all():
            best = min(best, float(np.maximum(weights @ (x + p), 0.0) @ signs))
    return best


def least_by_all_signs(weights, signs, x, e):
    """One linear program for every choice of signs of every unit; those without a point drop out."""
    best = np.inf
    for choice in itertools.product((0.0, 1.0), repeat=len(weights)):
        on = np.array(choice)
        side = (1.0 - 2.0 * on)[:, None]
        found = linprog(
            (on * signs) @ weights, A_ub=side * weights, b_ub=-side[:, 0] * (weights @ x), bounds=list(zip(-e, e))
        )
        if found.status == 0:
            best = min(best, found.fun + (on * signs) @ (weights @ x))
    return best
