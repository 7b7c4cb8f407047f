"""Public checks of the exercises of *The frozen net and where gradient flow goes*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers

EXERCISES = {
    "ex-pt2-orthogonal": "orthogonal_margin",
    "ex-pt2-two": "pair_multiplier",
    "ex-pt2-logistic": "logistic_weights",
    "ex-pt2-weaker": "proof_constant",
}


def orthogonal_margin(answer):
    def margin(R, gamma):
        found = numbers(call(answer, np.array(R), gamma, name="orthogonal_margin"), name="orthogonal_margin")
        if found <= 0:
            fail("orthogonal_margin is not positive.")
        return found

    three = margin([1.0, 2.0, 4.0], 0.5)
    compare(margin([4.0, 1.0, 2.0], 0.5), three, name="orthogonal_margin with the points in another order")
    compare(
        margin([2.0, 4.0, 8.0], 0.5),
        2 * three,
        name="orthogonal_margin of points twice as long",
        hint="The net is homogeneous in x too.",
    )
    compare(
        margin([1.0] * 9, 0.5),
        margin([1.0], 0.5) / 3,
        name="orthogonal_margin of nine points instead of one",
        hint="The squared norm of the weights is the sum of the multipliers.",
    )
    compare(margin([3.0], 1.0), 3.0, name="orthogonal_margin of one point of norm 3 without a kink (gamma = 1)")
    if margin([1.0, 1.0, 1.0], 0.5) <= margin([1.0, 0.5, 1.0], 0.5):
        fail("orthogonal_margin does not fall when a point gets shorter.")


def pair_multiplier(answer):
    def lam(R, p, gamma, same):
        found = numbers(call(answer, R, p, gamma, same, name="pair_multiplier"), name="pair_multiplier")
        if found < 0:
            fail("pair_multiplier is negative; where there is no solution it must be 0.")
        return found

    compare(
        lam(2.0, 0.0, 0.5, True),
        lam(2.0, 0.0, 0.5, False),
        name="pair_multiplier of orthogonal points with equal labels",
        hint="Their labels play no part.",
    )
    for same in (True, False):
        compare(lam(2.0, 0.4, 0.5, same), lam(1.0, 0.1, 0.5, same) / 4, name="pair_multiplier of points twice as long")
        if lam(1.0, -0.9, 0.5, same) == 0:
            fail(
                f"pair_multiplier is 0 for p = -0.9, R = 1, gamma = 0.5 and {'equal' if same else 'different'} labels; "
                "a negative p breaks no pattern."
            )
    if lam(1.0, 0.9, 0.5, True) == 0:
        fail("pair_multiplier is 0 for p = 0.9, R = 1, gamma = 0.5 and equal labels; such points help each other.")
    if lam(1.0, 0.99, 0.1, False) != 0:
        fail(
            "pair_multiplier is not 0 for p = 0.99, R = 1, gamma = 0.1 and different labels; "
            "look at the neuron with the small slope."
        )
    if not lam(1.0, 0.2, 0.5, True) < lam(1.0, 0.0, 0.5, True) < lam(1.0, 0.2, 0.5, False):
        fail(
            "pair_multiplier must fall with p for equal labels and grow for different ones: "
            "points that agree share the work."
        )


def logistic_weights(answer):
    def q(*margins):
        found = numbers(
            call(answer, np.array(margins), name="logistic_weights"), name="logistic_weights", shape=(len(margins),)
        )
        if (found < 0).any():
            fail("logistic_weights has a negative entry.")
        compare(found.sum(), 1.0, name="the sum of logistic_weights")
        return found

    compare(q(0.7, 0.7), np.array([0.5, 0.5]), name="logistic_weights of equal margins")
    small, large = q(2.0, 1.0)
    if small >= large:
        fail("logistic_weights of the larger margin is not the smaller one.")
    late, early = q(21.0, 20.0), q(-29.0, -30.0)
    compare(
        late[0] / late[1],
        np.exp(-1.0),
        name="the quotient of two weights at margins of 21 and 20",
        hint="Late both losses are the same flow.",
    )
    compare(
        early[0] / early[1],
        1.0,
        name="the quotient of two weights at margins of -29 and -30",
        tol=1e-3,
        hint="It is the slope of the loss that counts, and it is bounded.",
    )


def proof_constant(answer):
    def C(gamma, ratio):
        return numbers(call(answer, gamma, ratio, name="proof_constant"), name="proof_constant")

    compare(C(1.0, 1.0), 1 / 3, name="proof_constant(1, 1)", hint="At the worst place nothing was lost by rounding.")
    compare(C(1e-9, 1.0), 1.0, name="proof_constant with a leak of almost 0")
    if not 1 / 3 < C(0.9, 1.0) < C(0.5, 1.0) < C(0.5, 0.3) < 1:
        fail("proof_constant must lie between 1/3 and 1 and grow when gamma or the ratio falls.")
