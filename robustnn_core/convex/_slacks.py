r"""The forms in which an interior point takes a loss.

Plain program: the predictions and their multipliers satisfy :math:`r \in \partial L(p)` at the end. All forms give a
Newton step :math:`dr = \Delta\,dp + e` and differ in the diagonal :math:`\Delta`, in e and in the slacks they bring.

Robust program: one more variable Z a point, with the cost L(Z) and the rows
:math:`Z + a \circ m + b - \text{spread} \ge 0` for signs a and offsets b, and :math:`Z \ge 0` where there is a floor.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class View:
    """A form at one iterate: dr = delta dp + shift(h) for the right-hand sides h of the slacks of the form."""

    delta: np.ndarray
    shift: object
    moves: object  # (h, dp, dr) -> how the slacks and their multipliers move
    lag: float = 0.0  # what a smooth loss adds to the duality gap


def _nothing(h, dp, dr):
    return [], []


class Smooth:
    """r = p - y, eliminated exactly."""

    constant = True  # the diagonal never changes

    def __init__(self, y):
        self.y, self.zero, self.one = y, np.zeros(len(y)), np.ones(len(y))

    def guess(self, p):
        return p - self.y

    def start(self, p, mu):
        return p - self.y, [], []

    def view(self, p, r, s, z):
        return View(self.one, lambda h: self.zero, _nothing)

    def settle(self, p, old, s, z, dr, length):
        return p - self.y, s, z

    def near(self, p, r, total, length, lag):
        return True


class Boxed:
    r"""-low <= sign r <= high and p = curve r + offset + sign (s_2 - s_1).

    The multipliers m_1 = low + sign r and m_2 = high - sign r belong to the slacks s_1 and s_2.
    """

    constant = False

    def __init__(self, *, sign, low, high, curve, offset):
        self.sign, self.low, self.high, self.curve, self.offset = sign, low, high, curve, offset

    def residual(self, p, r):
        """s_2 - s_1."""
        return self.sign * (p - self.curve * r - self.offset)

    def guess(self, p):
        return 0.5 * self.sign * (self.high - self.low)

    def start(self, p, mu):
        """On the central path: s_1 m_1 = s_2 m_2 = mu."""
        width = self.low + self.high
        if self.curve == 0.0:  # s_1 s_2 / (s_1 + s_2) = mu / width, a quadratic
            e, c = self.residual(p, 0.0), mu / width
            size = np.abs(e)
            x = np.maximum(0.5 * ((2.0 * c - size) + np.sqrt(4.0 * c * c + size * size)), 1e-3 * size)
            m2 = width * (x + np.maximum(-e, 0.0)) / (size + 2.0 * x)
        else:
            least, most = np.zeros(len(p)), np.full(len(p), width)
            for _ in range(60):  # mu / m_2 - mu / m_1 falls in m_2, the residual rises
                m2 = 0.5 * (least + most)
                e = self.residual(p, self.sign * (self.high - m2))
                short = mu / m2 - mu / (width - m2) > e
                least, most = np.where(short, m2, least), np.where(short, most, m2)
            x = np.where(e < 0.0, mu / m2, mu / (width - m2))
        r = self.sign * (self.high - m2)
        s1 = x + np.maximum(-e, 0.0)
        return r, [s1, s1 + e], [width - m2, m2]

    def view(self, p, r, s, z):
        (s1, s2), (m1, m2) = s, z
        a1, a2 = m1 / s1, m2 / s2
        own = a1 * a2 / (a1 + a2)
        bent = 1.0 + self.curve * own

        def shift(h):
            return -self.sign * (a1 * (h[1] / s2) - a2 * (h[0] / s1)) / (a1 + a2) / bent

        def moves(h, dp, dr):
            ds2 = self.sign * (dp - self.curve * dr)
            ds1 = (h[0] / s1 + h[1] / s2 - a2 * ds2) / (a1 + a2)
            return [ds1, ds1 + ds2], [self.sign * dr, -self.sign * dr]

        return View(own / bent, shift, moves)

    def settle(self, p, old, s, z, dr, length):
        r = old + length * dr
        return r, [s[0], s[0] + self.residual(p, r)], z

    def near(self, p, r, total, length, lag):
        return True


class Entropic:
    r"""The logistic loss: q = -n y r in (0, 1), Newton's equation for y p = log((1 - q) / q).

    On the flat side of the loss p moves by 1 when q moves by its own size, where r = L'(p) would throw it far out.
    """

    constant = False

    def __init__(self, y):
        self.y, self.n = y, len(y)

    def guess(self, p):
        return -0.5 * self.y / self.n

    def start(self, p, mu):
        return self.guess(p), [], []

    def young(self, p, r):
        """L(p) + L*(r) - r.p >= 0: what the pair (p, r) adds to the duality gap."""
        q, m = -self.n * self.y * r, self.y * p
        return float((np.logaddexp(0.0, -m) + q * np.log(q) + (1.0 - q) * np.log1p(-q) + q * m).mean())

    def view(self, p, r, s, z):
        q = -self.n * self.y * r
        delta = np.maximum(q * (1.0 - q) / self.n, 1e-300)
        behind = delta * (p - self.y * (np.log1p(-q) - np.log(q)))
        return View(delta, lambda h: behind, _nothing, self.young(p, r))

    def settle(self, p, old, s, z, dr, length):
        """Each multiplier is kept in its interval: what that leaves in the dual equation goes next."""
        q = -self.n * self.y * old
        new = np.clip(q - length * self.n * self.y * dr, 0.1 * q, 1.0 - 0.1 * (1.0 - q))
        return -self.y * np.clip(new, 1e-15, 1.0 - 1e-15) / self.n, s, z

    def near(self, p, r, total, length, lag):
        return self.young(p, r) <= max(3.0 * total, (1.0 - 0.1 * length) * lag)


class RobustSquared:
    """Z >= |m - y| + spread, the loss Z^2 / 2."""

    floor = False

    def __init__(self, y):
        self.signs, self.offsets = np.stack([-np.ones(len(y)), np.ones(len(y))]), np.stack([y, -y])
        self.mu = max(1e-12, 0.25 * np.mean(y**2))
        self.size = np.sqrt(np.mean(y**2)) + 1e-6
        self.first = np.abs(y) + self.size
        self.reach = np.inf

    def slope(self, Z):
        return Z

    def curvature(self, Z):
        return np.ones(len(Z))

    def dual(self, rows):
        """The multiplier of the prediction and the size of the residual's."""
        lam = rows[1] - rows[0]
        return lam, np.maximum(rows[0] + rows[1], np.abs(lam))

    def scale(self, lam, size, y, top):
        """theta in [0, top] and the dual value of theta (lam, size)."""
        square = size @ size
        theta = min(top, max(0.0, lam @ y / square)) if square > 0 else 0.0
        return theta, float(theta * (lam @ y) - 0.5 * theta**2 * square)


class _RobustMargin:
    """Z >= -y m + spread; the slope of the loss of Z lies in [0, 1/n]."""

    floor = False

    def __init__(self, y, offset):
        self.y, self.signs, self.offsets = y, y[None], np.full((1, len(y)), offset)
        self.mu, self.size, self.first, self.reach = 0.5 / len(y), 1.0, 2.0, 10.0

    def dual(self, rows):
        size = np.clip(rows[0], 0.0, 1.0 / len(self.y))
        return self.y * size, size


class RobustHinge(_RobustMargin):
    """The loss Z >= 0, with the row Z >= 1 - y m + spread."""

    floor = True

    def __init__(self, y):
        super().__init__(y, -1.0)

    def slope(self, Z):
        return np.full(len(Z), 1.0 / len(Z))

    def curvature(self, Z):
        return np.zeros(len(Z))

    def scale(self, lam, size, y, top):
        theta = min(1.0, top)
        return theta, float(theta * size.sum())


class RobustLogistic(_RobustMargin):
    """The loss log(1 + exp Z)."""

    def __init__(self, y):
        super().__init__(y, 0.0)

    def slope(self, Z):
        return 1.0 / (1.0 + np.exp(-np.clip(Z, -500, 500))) / len(Z)

    def curvature(self, Z):
        p = 1.0 / (1.0 + np.exp(-np.clip(Z, -500, 500)))
        return np.maximum(p * (1 - p), 1e-12) / len(Z)

    def scale(self, lam, size, y, top):
        theta = min(1.0, top)
        p = theta * len(y) * size
        with np.errstate(divide="ignore", invalid="ignore"):
            value = -np.mean(np.where(p > 0, p * np.log(p), 0.0) + np.where(p < 1, (1 - p) * np.log1p(-p), 0.0))
        return theta, float(value)
