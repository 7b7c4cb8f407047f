"""Public checks of the exercises of *Why the second net generalises*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers

EXERCISES = {
    "ex-pt4-count": "noises_needed",
    "ex-pt4-angle": "isotropic_agreement",
    "ex-pt4-data": "mean_distance",
    "ex-pt4-beyond": "limit_factor",
}


def noises_needed(answer):
    def n(*arguments):
        found = numbers(call(answer, *arguments, name="noises_needed"), name="noises_needed")
        if found != round(float(found)) or found < 1:
            fail("noises_needed is not a whole number, 1 or larger.")
        return found

    plain = n(1000, 0.5, 1.0, 0.95)
    if abs(n(2000, 0.5, 1.0, 0.95) - 2 * plain) > 2:
        fail("noises_needed for twice the training points is not twice as large.")
    if abs(n(1000, 0.25, 1.0, 0.95) - 4 * plain) > 4:
        fail(
            "noises_needed for perturbations half as long is not four times as large; "
            "in the formula n stands under a root."
        )
    if abs(n(1000, 1.0, 2.0, 0.95) - plain) > 1:
        fail("noises_needed changes when eps and sigma are doubled; only their quotient counts.")
    if not plain < n(1000, 0.5, 1.0, 0.99):
        fail("noises_needed does not grow with the accuracy.")


def isotropic_agreement(answer):
    def share(*arguments):
        found = numbers(call(answer, *arguments, name="isotropic_agreement"), name="isotropic_agreement")
        if not -1e-9 <= found <= 1 + 1e-9:
            fail("isotropic_agreement is not between 0 and 1.")
        return found

    compare(share(0.0, 1.0, 100, 2000), 0.5, name="isotropic_agreement with eps = 0", hint="Then g knows nothing of f.")
    compare(share(1e9, 1.0, 100, 2000), 1.0, name="isotropic_agreement with a huge eps")
    compare(
        share(1.0, 1.0, 500, 500),
        0.75,
        name="isotropic_agreement where both parts of the normal of g are equally long",
        hint="Then the normals enclose 45 degrees.",
    )
    some = share(0.78, 0.6, 1000, 2000)
    compare(share(0.39, 0.3, 1000, 2000), some, name="isotropic_agreement with eps and sigma halved")
    compare(share(0.39, 0.6, 4000, 2000), some, name="isotropic_agreement with half the eps and four times the noises")
    if not share(0.78, 0.6, 1000, 4000) < some < share(0.78, 0.6, 2000, 2000):
        fail("isotropic_agreement must grow with the number of noises and fall with the dimension.")


def mean_distance(answer):
    def distance(*arguments):
        return numbers(call(answer, *arguments, name="mean_distance"), name="mean_distance")

    some = distance(100, 2000, 1.0, 0.5)
    compare(
        distance(100, 2000, 3.0, 0.5),
        3 * some,
        name="mean_distance of points three times as long",
        hint="A distance scales with the points.",
    )
    compare(distance(200, 4000, 1.0, 0.5), some, name="mean_distance with N and d doubled", hint="Only N/d counts.")
    compare(
        distance(1, 10**8, 1.0, 0.5), 1e4, name="mean_distance of a single point", hint="It is the norm of the point."
    )
    if some >= np.sqrt(20):
        fail("mean_distance is too large: the first net's multipliers adapt as well, and that costs distance.")


def limit_factor(answer):
    from robustnn_core import perturbations  # the wing compiles; only this check needs it

    def F(gamma, r):
        return numbers(call(answer, gamma, r, name="limit_factor"), name="limit_factor")

    compare(F(0.5, 1e-7), 1.0, name="limit_factor with r almost 0")
    compare(
        F(1.0 - 1e-9, 0.36),
        0.8,
        name="limit_factor with gamma almost 1 and r = 0.36",
        tol=1e-5,
        hint="The exercise says what it is there.",
    )
    for gamma in (0.2, 0.5, 0.8):
        first = perturbations.dimension_correction(gamma, adversarial=1, d=1000)
        compare(F(gamma, 1e-3), first, name="limit_factor with r = 1/1000", tol=3e-6, hint="The first order is known.")
    if not 0 < F(0.8, 0.5) < F(0.5, 0.5) < F(0.2, 0.5) < 1:
        fail("limit_factor must lie between 0 and 1 and be larger for smaller leaks.")
