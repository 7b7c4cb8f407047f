"""Public checks of the exercises of *Sampling patterns*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers

EXERCISES = {
    "ex-cx2-essential": "count_essential",
    "ex-cx2-stopping": "failures_in_a_row",
    "ex-cx2-distance": "bound_for_every_net",
}


def whole(value, name):
    """Return ``value`` if it is a whole number that is not negative."""
    value = numbers(value, name=name)
    if value != np.round(value) or value < 0:
        fail(f"{name} is not a whole number from 0 on.")
    return value


def count_essential(answer):
    def without(*idle, twins=()):
        """Every draw lowers the optimum by one, but the idle ones, and twins only once together."""
        return lambda kept: 10.0 - len(set(kept) - set(idle) - set(twins)) - bool(set(kept) & set(twins))

    compare(
        whole(call(answer, without(), 4, name="count_essential"), "count_essential"),
        4,
        name="count_essential when every draw helps",
    )
    compare(
        call(answer, without(0, 2), 4, name="count_essential"),
        2,
        name="count_essential with two idle draws",
        hint="Leave out one draw at a time and keep all the others.",
    )
    compare(
        call(answer, without(twins=(1, 3)), 5, name="count_essential"),
        3,
        name="count_essential when a pattern was drawn twice",
        hint="Without one of the two, the other is still there.",
    )


def failures_in_a_row(answer):
    first, later = (whole(call(answer, k, 0.1, 0.1, name="failures_in_a_row"), "failures_in_a_row") for k in (1, 1000))
    if first < 22:
        fail(
            "failures_in_a_row is too small for k = 1: "
            "at the chance 0.1 that many failures in a row happen more often than xi allows."
        )
    if later <= first:
        fail(
            "failures_in_a_row does not grow with the number of successes, but the rule looks once after each of them."
        )
    if whole(call(answer, 1, 0.05, 0.1, name="failures_in_a_row"), "failures_in_a_row") < 45:
        fail("failures_in_a_row is too small for psi = 0.05: a smaller chance is harder to rule out.")
    if whole(call(answer, 1, 0.1, 0.01, name="failures_in_a_row"), "failures_in_a_row") < 44:
        fail("failures_in_a_row is too small for xi = 0.01.")
    if first > 316:
        fail("failures_in_a_row is larger for k = 1 than the question allows.")


def bound_for_every_net(answer):
    y = np.array([1.0, -2.0, 0.5])
    compare(
        call(answer, y, np.zeros(3), 0.0, 0.3, name="bound_for_every_net"),
        0.0,
        name="bound_for_every_net at lambda = 0",
    )
    compare(
        call(answer, y, y, 0.2, 0.3, name="bound_for_every_net"),
        (y @ y) / 2,
        name="bound_for_every_net at lambda = y with a price below beta",
        hint="Then the zero net is optimal, and nothing needs to be scaled.",
    )
    low = numbers(call(answer, y, y, 3.0, 0.3, name="bound_for_every_net"), name="bound_for_every_net")
    if not 0 < low < (y @ y) / 2:
        fail("bound_for_every_net with a price of ten times beta must lie between 0 and the loss of the zero net.")
    compare(
        call(answer, y, 2 * y, 6.0, 0.3, name="bound_for_every_net"),
        low,
        name="bound_for_every_net with lambda and its price doubled",
        hint="Scaling makes both the same point.",
    )
