"""Learning from perturbations, slow and plain: loops from the formulas of the book, nothing shared with the core."""

import math


def dot(a, b):
    return sum(float(p) * float(q) for p, q in zip(a, b))


def phi(z, leak):
    return z if z >= 0 else leak * z


def slope(z, leak):
    return 1.0 if z >= 0 else leak


def head(m):
    return [1 / math.sqrt(m) if j < m // 2 else -1 / math.sqrt(m) for j in range(m)]


def net(W, leak, x):
    return sum(a * phi(dot(w, x), leak) for a, w in zip(head(len(W)), W))


def loss_slope(margin, loss):
    """|l'|."""
    return math.exp(-margin) if loss == "exponential" else 1 / (1 + math.exp(margin))


def loss_value(margin, loss):
    return math.exp(-margin) if loss == "exponential" else math.log(1 + math.exp(-margin))


def train(W, X, y, leak, steps, loss, increment=None, rate=None):
    """(weights, totals, margins at each step), in the d-dimensional space of the weights."""
    W = [[float(v) for v in w] for w in W]
    a, N, d = head(len(W)), len(X), len(X[0])
    totals, path, losses = [0.0] * N, [], []
    for t in range(steps + 1):
        margins = [y[n] * net(W, leak, X[n]) for n in range(N)]
        path.append(margins)
        losses.append(sum(loss_value(v, loss) for v in margins) / N)
        if t == steps:
            break
        q = [loss_slope(v, loss) for v in margins]
        if rate is None:
            q = [v / sum(q) for v in q]
        update = [
            [sum(q[n] * y[n] * a[j] * slope(dot(W[j], X[n]), leak) * X[n][i] for n in range(N)) for i in range(d)]
            for j in range(len(W))
        ]
        if rate is None:
            growth = [
                y[n] * sum(a[j] * slope(dot(W[j], X[n]), leak) * dot(update[j], X[n]) for j in range(len(W)))
                for n in range(N)
            ]
            eta = increment / max(growth)
        else:
            eta = rate / N
        W = [[v + eta * u for v, u in zip(w, up)] for w, up in zip(W, update)]
        totals = [s + eta * v for s, v in zip(totals, q)]
    return W, totals, path, losses


def p_max(X):
    return max(abs(dot(X[i], X[j])) for i in range(len(X)) for j in range(len(X)) if i != j)


def assumption(X, leak):
    norms = [math.sqrt(dot(x, x)) for x in X]
    return leak**3 * min(norms) ** 4 / (3 * len(X) * max(norms) ** 2)


def kkt_residuals(lam, X, y, leak):
    """|margin - 1| of every point at w_j = a_j sum lam y phi' x with the slopes that the labels ask for (width 2)."""
    W = []
    for a in head(2):
        W.append(
            [
                sum(lam[n] * y[n] * a * (1.0 if a * y[n] > 0 else leak) * X[n][i] for n in range(len(X)))
                for i in range(len(X[0]))
            ]
        )
    return [abs(y[n] * net(W, leak, X[n]) - 1) for n in range(len(X))]


def normal_cdf(x):
    return (1 + math.erf(x / math.sqrt(2))) / 2
