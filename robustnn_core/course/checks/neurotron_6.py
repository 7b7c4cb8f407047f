"""Public checks of the exercises of *Lies without a bound*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers

EXERCISES = {
    "ex-nt6-long": "total_updates",
    "ex-nt6-uneven": "uneven_drift",
    "ex-nt6-clip": "mean_sign",
}


def total_updates(answer):
    one = float(numbers(call(answer, 10, 0.25, 0.5, 1, name="total_updates"), name="total_updates"))
    compare(
        one, 2011, name="total_updates for one epoch, n = 10, b = 1/4, delta = 1/2", hint="It is 640 pi, rounded up."
    )
    if float(numbers(call(answer, 10, 0.25, 0.5, 2, name="total_updates"), name="total_updates")) <= 2 * one:
        fail("total_updates forgets that two epochs share delta: each may fail with probability delta / 2 only.")


def uneven_drift(answer):
    X, u = np.array([[3.0, 4.0], [0.0, 1.0]]), np.array([0.0, 1.0])
    compare(
        call(answer, X, np.zeros(2), u, name="uneven_drift"),
        2.5,
        name="uneven_drift without lies",
        hint="It is the mean of |u . x|.",
    )
    compare(
        call(answer, X, np.full(2, 0.5), u, name="uneven_drift"),
        0.0,
        name="uneven_drift with half of the labels everywhere",
    )


def mean_sign(answer):
    compare(
        call(answer, 0.0, 1.0, name="mean_sign"), 0.0, name="mean_sign at the truth", hint="There it is noise alone."
    )
    compare(call(answer, 5.0, 0.01, name="mean_sign"), -1.0, name="mean_sign with next to no noise", hint="See (K1).")
    compare(
        call(answer, 0.6, 2.0, name="mean_sign"),
        numbers(call(answer, 0.3, 1.0, name="mean_sign"), name="mean_sign"),
        name="mean_sign with error and noise twice as large",
        hint="Only their ratio matters.",
    )
