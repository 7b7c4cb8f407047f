"""Public checks of the exercises of *The theorem and its constants*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers

EXERCISES = {
    "ex-nt2-markov": "markov_accuracy",
    "ex-nt2-gamma": "best_multiple",
    "ex-nt2-units": "floor_at_scale",
    "ex-nt2-uniform": "share_always",
}


def markov_accuracy(answer):
    errors = np.array([0.2, 0.4, 0.1, 0.3])
    eps = numbers(call(answer, errors, 0.1, name="markov_accuracy"), name="markov_accuracy")
    compare(
        call(answer, np.full(5, 0.3), 1.0, name="markov_accuracy"),
        0.3,
        name="markov_accuracy with equal errors and delta = 1",
    )
    compare(
        call(answer, 3 * errors, 0.1, name="markov_accuracy"),
        3 * eps,
        name="markov_accuracy with errors three times as large",
        hint="An accuracy has the unit of an error.",
    )
    quarter = call(answer, errors, 0.025, name="markov_accuracy")
    compare(
        quarter,
        2 * eps,
        name="markov_accuracy with a quarter of delta",
        hint="Markov bounds the probability by a mean square over eps squared.",
    )


def best_multiple(answer):
    setting = dict(b=1.0, c1=20.0, c2=0.01, c3=0.01, start=1.0, target=0.02)
    found = numbers(call(answer, *setting.values(), name="best_multiple"), name="best_multiple")
    if found <= 1:
        fail("best_multiple is not above 1; gamma must exceed its lower bound.")
    here = _updates(1 + (found - 1), **setting)
    for factor, where in ((0.4, "closer to"), (2.5, "farther from")):
        if _updates(1 + factor * (found - 1), **setting) < 0.97 * here:
            fail(f"best_multiple is not best: a multiple {where} 1 needs fewer steps.")


def _updates(multiple, b, c1, c2, c3, start, target):
    """Return how many updates bring the recursion of the lemma from ``start`` to ``target``."""
    step = b / (c1 * multiple * (target + c2 / c1) / (target - c3 / b))
    square, count = start, 0
    while square > target and count < 20_000:
        square, count = square - step * (b * square - c3) + step**2 * (c1 * square + c2), count + 1
    return count


def floor_at_scale(answer):
    one = numbers(call(answer, 0.1, 3.0, 1.0, name="floor_at_scale"), name="floor_at_scale")
    compare(call(answer, 0.2, 3.0, 1.0, name="floor_at_scale"), 2 * one, name="floor_at_scale with twice the budget")
    compare(one, 0.1 / np.sqrt(2.0), name="floor_at_scale at s = 1", hint="Nothing is rescaled there, and c_to is 2.")
    large = call(answer, 0.1, 3.0, 1e6, name="floor_at_scale")
    if numbers(large, name="floor_at_scale") < 1:
        fail("floor_at_scale is too small for a huge s; did you translate the error back to the old units?")


def share_always(answer):
    errors = np.array([[0.1, 0.3, 0.1, 0.1], [0.1, 0.1, 0.1, 0.4], [0.2, 0.1, 0.1, 0.1]])
    compare(call(answer, errors, 0.5, name="share_always"), 1.0, name="share_always with a level above all errors")
    compare(
        call(answer, errors[:1], 0.2, name="share_always"),
        0.75,
        name="share_always with a single time",
        hint="A row is a time, a column a run.",
    )
    compare(
        call(answer, errors, 0.25, name="share_always"),
        call(answer, errors[::-1], 0.25, name="share_always"),
        name="share_always with the times reversed",
    )
    if numbers(call(answer, errors, 0.25, name="share_always"), name="share_always") > 0.7:
        fail("share_always is too large; a run that leaves the level once does not count.")
