"""Public checks of the exercises of *Hidden convexity*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers, parts

EXERCISES = {
    "ex-cx1-dead": "split_linear",
    "ex-cx1-zero": "silencing_beta",
    "ex-cx1-line": "line_patterns",
}


def split_linear(answer):
    X = np.column_stack([[-2.0, 0.5, 1.0], np.ones(3)])
    for q in (np.array([1.0, 0.0]), np.array([-3.0, 0.5])):
        found = call(answer, X, q, name="split_linear")
        found = parts(found, 2, name="split_linear", what="two arrays, first v and then w")
        v, w = (
            numbers(part, name=f"the {which} part of split_linear", shape=(2,))
            for part, which in zip(found, ("first", "second"))
        )
        compare(v - w, q, name="v - w")
        for part, which in ((v, "v"), (w, "w")):
            if (X @ part < -1e-9).any():
                fail(f"{which} is outside the cell: it is negative at some point of X.")


def silencing_beta(answer):
    X, y = np.array([[3.0, 4.0]]), np.array([2.0])
    compare(
        call(answer, X, y, name="silencing_beta"),
        10.0,
        tol=1e-3,
        name="silencing_beta for one point",
        hint="The best unit of length 1 points at it.",
    )
    compare(
        call(answer, X, -y, name="silencing_beta"),
        10.0,
        tol=1e-3,
        name="silencing_beta for one point with a negative label",
        hint="A unit may have either sign.",
    )
    opposite = np.array([[1.0, 0.0], [-1.0, 0.0]])
    compare(
        call(answer, opposite, np.array([1.0, -1.0]), name="silencing_beta"),
        1.0,
        tol=1e-3,
        name="silencing_beta for two opposite points",
        hint="A unit that sees one of them does not see the other.",
    )
    rng = np.random.default_rng(4)
    X, y = rng.standard_normal((6, 2)), rng.standard_normal(6)
    one = numbers(call(answer, X, y, name="silencing_beta"), name="silencing_beta")
    compare(
        call(answer, 2 * X, 3 * y, name="silencing_beta"),
        6 * one,
        tol=1e-3,
        name="silencing_beta with X doubled and y tripled",
        hint="How does it scale?",
    )
    if any(abs(y @ np.maximum(X @ u, 0)) > 1.001 * one for u in X / np.linalg.norm(X, axis=1)[:, None]):
        fail("silencing_beta is too small: the unit along one of the points is worth more.")


def line_patterns(answer):
    inputs = np.array([0.3, -1.0, 2.0, 0.9])
    got = call(answer, inputs, name="line_patterns")
    try:
        count = np.shape(got)[1]
    except Exception:  # noqa: BLE001
        fail("line_patterns must return an array with a row for each input and a column for each pattern.")
    active = numbers(got, name="line_patterns", shape=(4, count))
    if not np.isin(active, (0, 1)).all():
        fail("line_patterns must hold True and False, or ones and zeros.")
    if np.unique(active, axis=1).shape[1] < count:
        fail("line_patterns has the same column twice.")
    if (np.abs(np.diff(active[np.argsort(inputs)], axis=0)).sum(axis=0) > 1).any():
        fail("A column of line_patterns switches more than once along the line; mind that the inputs are not sorted.")
    columns = {tuple(column) for column in active.T}
    if any(tuple(1 - np.array(column)) not in columns for column in columns):
        fail("line_patterns misses the opposite of one of its columns: with a unit its negative is a unit, too.")
    compare(
        count,
        8,
        name="the number of columns of line_patterns",
        hint="The pattern that sees everything counts, and so does the one that sees nothing.",
    )
