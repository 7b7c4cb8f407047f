"""Public checks of the exercises of *What the paper gets wrong*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers

EXERCISES = {
    "ex-nt7-which-k": "repaired_lam1",
    "ex-nt7-repair": "repaired_case_one",
    "ex-nt7-tail": "mean_log_factor",
    "ex-nt7-general-m": "lyapunov_matrix",
}


def repaired_lam1(answer):
    compare(
        call(answer, 0.0, name="repaired_lam1"), 1.0, name="repaired_lam1 at K = 0", hint="There M is the unit matrix."
    )
    angle = np.linspace(0, np.pi, 25)
    Z = np.stack([np.cos(angle), np.sin(angle)])
    for K in (0.5, 1.0, 3.0):
        found = float(numbers(call(answer, K, name="repaired_lam1"), name="repaired_lam1"))
        if found > np.sum(Z * (np.array([[1.0, 0.0], [K, 1.0]]) @ Z), axis=0).min() + 1e-9:
            fail(f"repaired_lam1 is too large at K = {K:g}: there is a unit vector z with a smaller z . M z.")


def repaired_case_one(answer):
    def found(gamma, leak=-0.9, lam3=1.0):
        return numbers(
            call(answer, 1.0, 1.0, lam3, 3.0, leak, gamma, name="repaired_case_one"),
            name="repaired_case_one",
            shape=(2,),
        )

    (eta, kappa), (twice, _) = found(2.0), found(4.0)
    compare(twice, eta / 2, name="the step of repaired_case_one with gamma twice as large")
    if not 0 <= kappa < 1:
        fail("repaired_case_one has a kappa that is not between 0 and 1.")
    if kappa > min(found(1.5)[1], found(3.0)[1]):
        fail("repaired_case_one has a kappa that is not smallest at gamma = 2.")
    compare(found(2.0, lam3=5.0)[0], eta / 5, name="the step of repaired_case_one with lam3 five times as large")
    if not found(2.0, leak=-0.99)[0] < eta:
        fail(
            "repaired_case_one has a step that grows as the leak falls to -1; "
            "the odd part of the gate, which pulls, vanishes there."
        )


def mean_log_factor(answer):
    compare(
        call(answer, -0.9, 0.0, name="mean_log_factor"), 0.0, name="mean_log_factor with step 0", hint="Nothing moves."
    )
    for leak, eta in ((-0.9, 0.2), (0.0, 0.1), (1.0, 0.1)):
        found = float(numbers(call(answer, leak, eta, name="mean_log_factor"), name="mean_log_factor"))
        if found > 0.5 * np.log(1 - eta * (1 + leak) + 1.5 * eta**2 * (1 + leak**2)):
            fail(
                "mean_log_factor is too large: by Jensen it is at most half of the logarithm of the mean square factor."
            )
    relu, line = (
        numbers(call(answer, leak, 0.1, name="mean_log_factor"), name="mean_log_factor") for leak in (0.0, 1.0)
    )
    compare(
        relu,
        line / 2,
        name="mean_log_factor of the ReLU against that of the line",
        tol=1e-3,
        hint="The ReLU moves for half of the inputs.",
    )


def lyapunov_matrix(answer):
    compare(
        call(answer, np.diag([1.0, 4.0]), name="lyapunov_matrix"),
        np.diag([0.5, 0.125]),
        name="lyapunov_matrix of a diagonal matrix",
        hint="There G B + B' G = 2 G B.",
    )
    B = np.array([[2.0, 1.0], [1.0, 3.0]])
    G = numbers(call(answer, B, name="lyapunov_matrix"), name="lyapunov_matrix", shape=(2, 2))
    compare(call(answer, 2 * B, name="lyapunov_matrix"), G / 2, name="lyapunov_matrix of 2 B")
    compare(G, G.T, name="lyapunov_matrix against its transpose", hint="G is symmetric.")
