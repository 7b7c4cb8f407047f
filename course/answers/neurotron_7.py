"""Answers and hidden checks of the exercises of *What the paper gets wrong*."""

import numpy as np

from robustnn_core import laws, nets, neurotron
from robustnn_core.course import call, compare, fail, numbers


def repaired_lam1(K):
    """Return the lambda_1 of the repaired theorem, a number, for the matrix M of the example; ``K`` is at least 0."""
    return 1 - K / 2


def hidden_repaired_lam1(answer):
    gate = nets.SingleFilterNet.gate(2, leak=1.0)
    for K in (0.3, 1.9, 2.0, 6.5, 40.0):
        known = neurotron.constants(gate, laws.Gaussian(2), M=np.array([[1.0, 0.0], [K, 1.0]])).lam1
        compare(call(answer, K, name="repaired_lam1"), known, name="repaired_lam1")


def repaired_case_one(lam1, lam2, lam3, m4, leak, gamma):
    """Return the step and kappa of your restated Case I, an array (eta, kappa), for any leak above -1."""
    strength = (1 + leak) * lam1
    noise = lam2**2 * lam3 * m4 * (1 + leak**2) / 2
    return np.array([strength / (gamma * noise), 1 - (gamma - 1) / gamma**2 * strength**2 / noise])


def hidden_repaired_case_one(answer):
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    weights = weights / weights.sum()
    x = nodes[nodes > 0]
    for leak, gamma, sigma in ((-0.9, 2.0, 1.0), (-0.3, 1.5, 2.0), (0.0, 3.0, 0.5), (1.0, 2.0, 1.0)):
        found = call(answer, sigma**2, 1.0, 1.0, 3 * sigma**4, leak, gamma, name="repaired_case_one")
        eta, kappa = numbers(found, name="repaired_case_one", shape=(2,))
        square = sigma**2 * x**2  # one Gaussian input, where the bound is attained
        known = weights[nodes > 0] @ ((1 - eta * square) ** 2 + (1 - eta * leak * square) ** 2)
        compare(kappa, known, name="kappa, compared with the exact factor of your step,")
        compare(
            call(answer, sigma**2, 2.0, 3.0, 3 * sigma**4, leak, gamma, name="repaired_case_one")[0],
            eta / 12,
            name="the step with lam2 = 2 and lam3 = 3",
        )
        best = min(
            float(
                numbers(
                    call(answer, sigma**2, 1.0, 1.0, 3 * sigma**4, leak, g, name="repaired_case_one")[1], name="kappa"
                )
            )
            for g in (1.6, 2.0, 2.7)
        )
        trial = np.linspace(0, 2 * gamma * eta, 4001)[:, None]
        exact = ((1 - trial * square) ** 2 + (1 - trial * leak * square) ** 2) @ weights[nodes > 0]
        compare(best, exact.min(), name="kappa at gamma = 2", tol=1e-5, hint="It is the best factor that any step has.")


def mean_log_factor(leak, eta):
    """Return the mean of ln(|w^+| / |w|) in one update, a number (three digits).

    There is one input x ~ N(0, 1), w* = 0, and the labels are honest.
    """
    middle = (np.arange(400_000) + 0.5) / 40_000  # of x > 0
    density = np.exp(-(middle**2) / 2) / np.sqrt(2 * np.pi) / 40_000
    return density @ (np.log(np.abs(1 - eta * middle**2)) + np.log(np.abs(1 - eta * leak * middle**2)))


def hidden_mean_log_factor(answer):
    for leak, eta in ((-0.9, 5 / 3), (-0.4, 0.5), (0.3, 0.2), (0.0, 3.0)):
        gate = nets.SingleFilterNet.gate(1, leak=leak)
        run = neurotron.train(gate, laws.Gaussian(1), [0], eta=eta, steps=1, repeats=400_000, seed=23, start=[1.0])
        compare(
            call(answer, leak, eta, name="mean_log_factor"), np.log(run.errors).mean(), name="mean_log_factor", tol=0.01
        )


def lyapunov_matrix(B):
    """Return the symmetric G with G B + B' G = I, an array like ``B`` (B' is its transpose).

    The eigenvalues of ``B`` have positive real parts.
    """
    from scipy.linalg import solve_continuous_lyapunov

    return solve_continuous_lyapunov(B.T, np.eye(len(B)))


def hidden_lyapunov_matrix(answer):
    rng = np.random.default_rng(24)
    for n in (1, 2, 5):
        B = np.eye(n) + np.tril(3 * rng.standard_normal((n, n)), -1)
        G = numbers(call(answer, B, name="lyapunov_matrix"), name="lyapunov_matrix", shape=(n, n))
        compare(G @ B + B.T @ G, np.eye(n), name="G B + B' G", tol=1e-6 * max(1.0, np.abs(G).max()))
        if np.linalg.eigvalsh((G + G.T) / 2)[0] <= 0:
            fail("lyapunov_matrix is not positive definite.")


WRONG = {
    "repaired_lam1": [
        lambda K: 1.0,  # the eigenvalue of M itself
        lambda K: 1 - K,
        lambda K: np.linalg.svd(np.array([[1.0, 0.0], [K, 1.0]]), compute_uv=False)[-1],
        lambda K: 1 - K**2 / 4,  # the determinant
    ],
    "repaired_case_one": [
        lambda lam1, lam2, lam3, m4, leak, gamma: np.array(
            [
                lam1 / (gamma * (1 + leak) * lam2**2 * lam3 * m4),
                1 - (gamma - 1) / gamma**2 * lam1**2 / (lam2**2 * lam3 * m4),
            ]
        ),  # the paper's
        lambda lam1, lam2, lam3, m4, leak, gamma: np.array(
            [
                (1 + leak) * lam1 / (gamma * lam2**2 * lam3 * m4),
                1 - (gamma - 1) / gamma**2 * ((1 + leak) * lam1) ** 2 / (lam2**2 * lam3 * m4),
            ]
        ),  # max(1, |leak|)
        lambda lam1, lam2, lam3, m4, leak, gamma: np.array(
            [
                (1 + leak) * lam1 / (gamma * lam2**2 * lam3 * m4 * (1 + leak**2)),
                1 - (gamma - 1) / gamma**2 * ((1 + leak) * lam1) ** 2 / (lam2**2 * lam3 * m4 * (1 + leak**2)),
            ]
        ),
    ],
    "mean_log_factor": [
        lambda leak, eta: 0.5 * np.log(1 - eta * (1 + leak) + 1.5 * eta**2 * (1 + leak**2)),  # of the mean square
        lambda leak, eta: np.log(np.abs(1 - eta * (1 + leak) / 2)),  # of the mean
        lambda leak, eta: 0.5 * (np.log(np.abs(1 - eta)) + np.log(np.abs(1 - eta * leak))),  # as if x^2 were 1
    ],
    "lyapunov_matrix": [
        lambda B: np.linalg.inv(B + B.T),  # right for symmetric B only
        lambda B: np.linalg.inv(B) / 2,
        lambda B: np.linalg.solve(
            np.kron(np.eye(len(B)), B) + np.kron(B, np.eye(len(B))), np.eye(len(B)).ravel()
        ).reshape(B.shape),  # the transpose in the wrong place
    ],
}
