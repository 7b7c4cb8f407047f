"""Neuro-Tron, slow and plain: loops written from the formulas of the book, nothing shared with the core."""

import math

import numpy as np

MASK = (1 << 64) - 1


# --- random numbers, in Python integers ---------------------------------------------------------------


def splitmix64(key, index):
    """The index-th output (from 1) of SplitMix64 started at ``key``."""
    z = (key + index * 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def xoshiro256pp(state):
    """One step of xoshiro256++ on a list of four integers, in place; the output."""

    def rotate(x, k):
        return ((x << k) | (x >> (64 - k))) & MASK

    out = (rotate((state[0] + state[3]) & MASK, 23) + state[0]) & MASK
    shifted = (state[1] << 17) & MASK
    state[2] ^= state[0]
    state[3] ^= state[1]
    state[1] ^= state[2]
    state[0] ^= state[3]
    state[2] ^= shifted
    state[3] = rotate(state[3], 45)
    return out


def uniform(state):
    return (xoshiro256pp(state) >> 11) / 2**53


# --- the algorithm ------------------------------------------------------------------------------------


def sigma(z, leak):
    return z if z >= 0 else leak * z


def net(patches, leak, w, x):
    total = 0.0
    for A in patches:
        total += sigma(float(np.dot(w, A @ x)), leak)
    return total / len(patches)


def one_repeat(patches, leak, M, w_star, start, inputs, eta, answer, coins=None, probability=1.0):
    """All weights of one repeat, (T + 1, r). ``answer(x, mx, w, clean, coin)`` is the adversary.

    ``coin()`` is the adversary's next private number; the coin of an attack with a probability comes last.
    """
    w = np.array(start, float)
    path = [w.copy()]
    for x in inputs:
        mx = M @ x
        clean = net(patches, leak, w_star, x)
        xi = answer(x, mx, w, clean, lambda: uniform(coins))
        if probability < 1.0 and uniform(coins) >= probability:
            xi = 0.0
        y = clean + xi
        w = w + eta * (y - net(patches, leak, w, x)) * mx
        path.append(w.copy())
    return np.array(path)


def sign_repeat(A, leak, w_star, start, inputs, eta, decay, answer, coins=None, probability=1.0):
    """All weights of one repeat of the learner of signs, (T + 1, r): one patch, the rest as in ``one_repeat``."""
    w = np.array(start, float)
    path = [w.copy()]
    for t, x in enumerate(inputs):
        seen = A @ x
        clean, z = sigma(float(np.dot(w_star, seen)), leak), float(np.dot(w, seen))
        xi = answer(x, seen, w, clean, lambda: uniform(coins))
        if probability < 1.0 and uniform(coins) >= probability:
            xi = 0.0
        y, out = clean + xi, sigma(z, leak)
        side = 0 if y == out else 1 if y > out else -1
        if leak == 0:
            if z == 0.0:  # an infinitely small positive number, or its negative, by the first coordinate that is not 0
                leading = [v for v in seen if v != 0.0][:1]
                side = 0 if not leading or leading[0] < 0 else 1 if y > 0 else -1
            elif z < 0:
                side = 0
        w = w + eta * decay**t * side * seen
        path.append(w.copy())
    return np.array(path)


def no_attack(x, mx, w, clean, coin):
    return 0.0


def constant(theta):
    return lambda x, mx, w, clean, coin: theta


def random_sign(theta):
    return lambda x, mx, w, clean, coin: theta if coin() >= 0.5 else -theta


def greedy(theta, w_star):
    return lambda x, mx, w, clean, coin: theta if np.dot(w - w_star, mx) >= 0 else -theta


def fixed_lie(theta, direction):
    return lambda x, mx, w, clean, coin: theta if np.dot(direction, mx) >= 0 else -theta


def impostor(patches, leak, w_adv):
    return lambda x, mx, w, clean, coin: net(patches, leak, w_adv, x) - clean


def closest_allowed(w, x, y, theta, leak):
    """The filter closest to w that the label allows, by bisection along x: the gate does not decrease."""

    def miss(step):
        return y - sigma(float(np.dot(w + step * x, x)), leak)

    if abs(miss(0.0)) <= theta:
        return np.array(w, float)
    sign = 1.0 if miss(0.0) > 0 else -1.0
    low, high = 0.0, 1.0
    while sign * miss(sign * high) > theta:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        if sign * miss(sign * middle) > theta:
            low = middle
        else:
            high = middle
    return w + sign * high * x


# --- constants, by brute-force averages over points +-x -----------------------------------------------


def constants(patches, leak, M, points):
    """A dict of the constants for the uniform law on ``points`` (both signs of every input among them)."""
    k, r, n = patches.shape
    mean_patch = sum(patches) / k
    second, count = np.zeros((n, n)), len(points)
    moments, fourth, V = [0.0] * 4, np.zeros((r, r)), 0.0
    for x in points:
        second += np.outer(x, x) / count
        length = math.sqrt(sum(v * v for v in x))
        for j in range(4):
            moments[j] += length ** (j + 1) / count
        mx2 = float((M @ x) @ (M @ x))
        V += mx2 / count
        for A in patches:
            fourth += mx2 * np.outer(A @ x, A @ x) / (k * count)
    B = mean_patch @ second @ M.T
    lam1 = min(np.linalg.eigvalsh((B + B.T) / 2))
    lam2 = max(np.linalg.svd(M)[1])
    lam3 = sum(max(np.linalg.svd(A)[1]) ** 2 for A in patches) / k
    P = (1 + leak) * lam1 / (moments[0] * lam2)
    return {
        "lam1": lam1,
        "lam2": lam2,
        "lam3": lam3,
        "m": tuple(moments),
        "c_tradeoff": P - 1,
        "c_star": (P / 2) ** 2,
        "a": (1 + leak) * lam1,
        "Q": (1 + leak**2) / 2 * max(np.linalg.eigvalsh(fourth)),
        "V": V,
    }


def mean_abs(points, M, u):
    return sum(abs(float(u @ (M @ x))) for x in points) / len(points)


# --- schedules, by stepping the recursion until the target --------------------------------------------


def count_steps(start, target, step, most=10**7):
    """T of the theorems: 1 for the start, and one more for every step until the target is met."""
    value, T = start, 1
    while value > target:
        value, T = step(value), T + 1
        if T > most:
            raise RuntimeError("the recursion does not get there")
    return T


def case_one(lam1, lam2, lam3, m4, leak, gamma, start, target):
    """``(eta, T)`` of Theorem II.1, Case I, from the recursion before its constants are put together."""
    eta = lam1 / (gamma * (1 + leak) * lam2**2 * lam3 * m4)
    kappa = 1 - eta * (1 + leak) * lam1 + eta**2 * lam2**2 * (1 + leak) ** 2 * lam3 * m4
    return eta, count_steps(start, target, lambda value: kappa * value)


def case_two(lam1, lam2, lam3, m, leak, theta, eps, delta, start, slack):
    """``(eta, gamma, T)`` of Theorem II.1, Case II."""
    m1, m2, m3, m4 = m
    c_to = -1 + (1 + leak) * lam1 / (m1 * lam2)
    b, c1 = m1 * c_to, (1 + leak) ** 2 * lam3 * (m3 + m4)
    c2, c3 = theta**2 * (m2 + m3), theta**2 * m1
    gamma = slack * (eps**2 * delta + c2 / c1) / (eps**2 * delta - theta**2 / c_to)
    eta = b / (gamma * lam2 * c1)
    h = eta * lam2
    T = count_steps(start, eps**2 * delta, lambda value: (1 - h * b + h**2 * c1) * value + h**2 * c2 + h * c3)
    return eta, gamma, T


def sign_plan(q, V, leak, b, delta, R):
    """``(eta, T)`` of one epoch of the learner of signs: the first T at which some step bounds the mean error."""
    gates = 0.5 if leak == 0 else 1.0  # the share of the inputs that are used
    a, B = 2 * gates * (1 - 2 * b) * q, gates * V
    T = 1
    while True:
        eta = R / math.sqrt(B * T)  # of the smallest bound over T iterates
        if (R**2 / eta + T * eta * B) / (a * T) <= delta * R / 2 * (1 + 1e-12):
            return eta, T
        T += 1


def sharp_step(a, Q, p, V, theta, eta, D):
    """phi(D) of Theorem A'."""
    A = 1 - eta * a + eta**2 * Q
    B = eta * theta * (p + eta * math.sqrt(Q * V))
    return math.sqrt(A * D**2 + 2 * B * D + eta**2 * theta**2 * V)


def sharp_floor(a, Q, p, V, theta, eta):
    """The fixed point of phi, by bisection: phi(D) > D below it and phi(D) < D above."""
    low, high = 0.0, 1.0
    while sharp_step(a, Q, p, V, theta, eta, high) > high:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        if sharp_step(a, Q, p, V, theta, eta, middle) > middle:
            low = middle
        else:
            high = middle
    return low
