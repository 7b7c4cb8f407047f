"""What the bound of the bending theorem is made of: points and sides, slopes, margins; and their loss."""

import numpy as np


def norm_of(A, e, norm):
    """|e o A| in the dual norm of the moves, row by row."""
    return np.abs(A) @ e if norm == "linf" else np.sqrt(((A * e) ** 2).sum(axis=-1))


class Rows:
    """Points and sides: what the bound of the theorem is made of.

    Parameters
    ----------
    X : ndarray, shape (n, d)
    signs : ndarray, shape (m,)
        Of the units.
    sides : ndarray, shape (r, n)
        One row of labels, or of +1 and of -1 for a loss of both sides.
    e : ndarray, shape (d,)
    norm : {"linf", "l2"}
    """

    def __init__(self, X, signs, sides, e, norm):
        self.n, self.count = len(X), sides.size
        self.X, self.side = np.concatenate([X] * len(sides)), sides.ravel()
        self.signs, self.e, self.norm = signs, e, norm
        self.oppose = np.multiply.outer(self.side, signs) < 0.0  # (rows, m)

    def on(self, used):
        """The same on some of the columns."""
        return Rows(self.X[: self.n, used], self.signs, self.side.reshape(-1, self.n), self.e[used], self.norm)

    def chords(self, U):
        """The slopes (rows, m) of the best lines at U, two choices: chords above opposing units; below an agreeing one
        that turns, z or 0 by the larger side, and 0."""
        z, h = self.X @ U.T, norm_of(U, self.e, self.norm)
        low, high = z - h, z + h
        crossing = (low < 0.0) & (high > 0.0)
        on = (z > 0.0).astype(float)
        chord = np.divide(high, high - low, out=on.copy(), where=crossing)
        return np.where(self.oppose, chord, on), np.where(self.oppose, chord, on * ~crossing)

    def margins(self, U, slopes):
        """m_v(U), (rows,): what sides * f is at least over the box."""
        z, h = self.X @ U.T, norm_of(U, self.e, self.norm)
        q = (slopes * self.signs) @ U
        over = np.maximum(0.0, np.maximum((1.0 - slopes) * (z + h), slopes * (h - z)))
        return self.side * (self.X * q).sum(axis=1) - norm_of(q, self.e, self.norm) - (self.oppose * over).sum(axis=1)

    def folded(self, values):
        """Per row to per point: a sum."""
        return values.reshape(-1, self.n).sum(axis=0)


def lengths(U):
    return float(np.sqrt((U**2).sum(axis=1)).sum())


def each(loss, margins, y):
    """The loss of every point from the margins of its rows."""
    if loss.labels:
        return loss.points(y * margins, y)
    up, down = margins.reshape(2, -1)[::-1]  # rows of -f, then of f (see the sides of the loss)
    return loss.points(np.maximum(y - up, -down - y), np.zeros_like(y))


def risk(loss, margins, y):
    return loss.total(each(loss, margins, y))
