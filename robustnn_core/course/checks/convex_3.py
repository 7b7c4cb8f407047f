"""Public checks of the exercises of *Solving it fast, with a certificate*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers

EXERCISES = {
    "ex-cx3-projection": "dual_from_blocks",
    "ex-cx3-safe": "certain_zeros",
    "ex-cx3-adam": "bound_from_residuals",
}


def dual_from_blocks(answer):
    rng = np.random.default_rng(5)
    X, y, D = rng.standard_normal((4, 2)), rng.standard_normal(4), rng.random((4, 3)) > 0.5
    none, V = np.zeros((2, 3)), rng.standard_normal((2, 3))
    compare(
        call(answer, X, y, D, none, none, name="dual_from_blocks"),
        y,
        name="dual_from_blocks of the zero net",
        hint="Mind the sign: the dual value must not be negative there.",
    )
    compare(
        call(answer, X, y, D, V, V, name="dual_from_blocks"),
        y,
        name="dual_from_blocks with v = w",
        hint="The two signs cancel.",
    )
    one = numbers(call(answer, X, y, D, V, none, name="dual_from_blocks"), name="dual_from_blocks", shape=(4,))
    compare(
        call(answer, X, y, D, none, V, name="dual_from_blocks"),
        2 * y - one,
        name="dual_from_blocks with v and w exchanged",
    )
    compare(
        call(answer, X, y, D[:, :1] & False, V[:, :1], none[:, :1], name="dual_from_blocks"),
        y,
        name="dual_from_blocks with a pattern that sees nothing",
        hint="A block acts only on the points of its pattern.",
    )


def certain_zeros(answer):
    price, size = np.array([0.1, 0.25, 0.4]), np.array([1.0, 1.0, 0.1])

    def asked(gap):
        got = numbers(call(answer, price, size, gap, 0.3, name="certain_zeros"), name="certain_zeros", shape=(3,))
        if not np.isin(got, (0, 1)).all():
            fail("certain_zeros must hold True and False.")
        return got

    compare(
        asked(0.0),
        [1, 1, 0],
        name="certain_zeros with no gap",
        hint="At the solution itself only prices below beta are certain.",
    )
    compare(asked(100.0), [0, 0, 0], name="certain_zeros with a huge gap", hint="Then the solution may be far away.")
    if asked(1e-4)[0] != 1:
        fail("certain_zeros does not drop a block with a price far below beta at a tiny gap.")
    if (asked(5e-4) < asked(2e-2)).any():
        fail("certain_zeros drops more blocks when the gap is wider; it must be the other way round.")


def bound_from_residuals(answer):
    rng = np.random.default_rng(6)
    X, y, D = rng.standard_normal((6, 2)), rng.standard_normal(6), rng.random((6, 3)) > 0.3
    compare(
        call(answer, X, y, D, np.zeros(6), 0.5, name="bound_from_residuals"),
        0.0,
        name="bound_from_residuals at lambda = 0",
    )
    compare(
        call(answer, X, y, D, y, 1e6, name="bound_from_residuals"),
        y @ y / 2,
        name="bound_from_residuals at lambda = y with a huge beta",
        hint="Then theta is 1, and the zero net is optimal.",
    )
    low, more = (
        numbers(call(answer, X, y, D, y, beta, name="bound_from_residuals"), name="bound_from_residuals")
        for beta in (0.1, 0.2)
    )
    if not 0 < low < more < y @ y / 2:
        fail(
            "bound_from_residuals at lambda = y must grow with a small beta, "
            "and stay between 0 and the loss of the zero net."
        )
    compare(
        call(answer, X, y, D, 3 * y, 0.1, name="bound_from_residuals"),
        low,
        name="bound_from_residuals with lambda tripled",
        hint="The scaling takes the factor out again.",
    )
    compare(
        call(answer, 2 * X, y, D, y, 0.2, name="bound_from_residuals"),
        low,
        name="bound_from_residuals with X and beta doubled",
        hint="Prices are linear in X.",
    )
    fewer = numbers(call(answer, X, y, D[:, :1], y, 0.1, name="bound_from_residuals"), name="bound_from_residuals")
    if fewer < low - 1e-12:
        fail("bound_from_residuals rises when a pattern is added: theta must suit the dearest of them all.")
