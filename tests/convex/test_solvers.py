import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from robustnn_core import convex
from robustnn_core.convex import _cones, _plain, admm, losses, proofs, solvers

BETA = {"squared": 0.5, "hinge": 0.01, "logistic": 0.01}


def test_nearest_point_of_a_cone():
    rng = np.random.default_rng(0)
    for _ in range(50):
        A, a = rng.standard_normal((40, 5)), rng.standard_normal(5)
        e, u = np.sign(A @ a), rng.standard_normal(5)
        v = admm._nearest(u, e, A)
        assert (e * (A @ v)).min() >= -1e-10
        assert v @ (u - v) == pytest.approx(0.0, abs=1e-10)  # Moreau: the rest is orthogonal to the point ...
        inside = rng.standard_normal((5, 2000)) + 3.0 * a[:, None]
        inside = inside[:, (e[:, None] * (A @ inside) >= 0).all(axis=0)]
        assert ((u - v) @ inside <= 1e-9).all()  # ... and in the polar cone


@pytest.mark.parametrize("loss", losses.NAMES)
def test_admm_with_thin_cones(loss):
    # 300 points leave cones so thin that a shift along the gate costs more than the whole penalty
    X, y, patterns = solvers.problem(300, 3, 10, loss=loss)
    exact = convex.fit(X, y, patterns, beta=BETA[loss], loss=loss, tol=1e-6)
    f = convex.fit(X, y, patterns, beta=BETA[loss], loss=loss, tol=1e-2, method="admm", max_iterations=1500)
    assert exact.converged and f.converged
    assert f.lower_bound <= exact.objective and exact.lower_bound <= f.objective
    E = 2.0 * patterns.active - 1.0
    assert (E * (X @ f.v)).min() >= 0 and (E * (X @ f.w)).min() >= 0


@pytest.mark.parametrize("beta", [0.1, 1e-2, 1e-3])
def test_hinge_does_not_stop_at_a_gap_of_one(beta):
    X, y, patterns = solvers.problem(100, 10, 20, loss="hinge")
    assert convex.fit(X, y, patterns, beta=beta, loss="hinge", tol=1e-6).converged


@pytest.mark.parametrize("loss", losses.NAMES)
def test_ledgers_hold(loss):
    X, y, patterns = solvers.problem(20, 3, 6, loss=loss, seed=2)
    f = convex.fit(X, y, patterns, beta=BETA[loss], loss=loss, tol=1e-8)
    proofs.block_structure(X, patterns).assert_holds()
    proofs.conjugate(loss, y).assert_holds()
    proofs.strong_duality(X, y, f).assert_holds()
    proofs.gap_is_complementarity(X, y, patterns, beta=0.3, loss=loss).assert_holds()
    proofs.admm_steps(X, y, patterns, beta=0.1, loss=loss).assert_holds()
    for noise in (0.0, 0.1, 3.0):
        proofs.certificate(X, y, f, noise=noise, seed=1).assert_holds()


def test_stored_run_says_where_it_comes_from():
    stored = solvers.measured()
    assert {"numpy", "cvxpy", "clarabel", "scs"} <= set(stored["about"]["versions"]) and stored["about"]["cores"] >= 1
    for row in stored["rows"]:
        assert row["seconds"] > 0 and ("gap" in row) == (row["solver"] in ("fit", "admm"))


def test_too_many_patterns_asked_for():
    with pytest.raises(ValueError, match="count = 50: 100 draws made only"):
        solvers.problem(5, 2, 50)


def test_the_two_blocks_of_a_pattern_act_as_one():
    X, _, patterns = solvers.problem(60, 5, 7)
    K = _plain.Blocks(X, patterns.active.astype(float))
    rng = np.random.default_rng(0)
    A, root = rng.standard_normal((14, 5, 9)), rng.uniform(0.5, 2.0, 60)
    H = A @ A.transpose(0, 2, 1)
    K.M, K.part = (
        np.full((60, 60), np.nan, order="F"),
        np.full(3600, 1e300),
    )  # what an earlier call has left is not read
    M = K.meeting(root, _plain.roots(_cones.inverse_factors(H)))
    F, _ = solvers.blocks(X, patterns)
    full = np.eye(60) + np.einsum("k,bki,bij,blj,l->kl", root, F, np.linalg.inv(H), F, root)
    np.testing.assert_allclose(np.tril(M), np.tril(full), rtol=1e-10, atol=1e-10)
    flat = A[:, :, :1] @ A[:, :, :1].transpose(0, 2, 1)  # of rank one
    roots = _plain.roots(flat)
    C = flat.transpose(0, 2, 1) @ flat
    np.testing.assert_allclose(roots @ roots.transpose(0, 2, 1), C[:7] + C[7:], rtol=1e-9, atol=1e-9 * np.abs(C).max())


@pytest.mark.parametrize("loss", losses.NAMES)
def test_same_bits_on_one_and_two_threads_for_every_system(loss):
    for shape in ((150, 20, 12), (300, 4, 6)):  # the system in the predictions, the system in the blocks
        X, y, patterns = solvers.problem(*shape, loss=loss)
        fits = []
        for threads in (1, 2):
            with threadpool_limits(threads):
                fits.append(convex.fit(X, y, patterns, beta=BETA[loss], loss=loss, tol=1e-6))
        one, two = fits
        assert one.converged and (one.v == two.v).all() and (one.w == two.w).all()
        assert one.lower_bound == two.lower_bound and (one.dual == two.dual).all()


def test_blocks_that_are_safely_zero_are_zero_in_a_finer_fit():
    X, y, patterns = solvers.problem(60, 5, 20)
    rough, best = (convex.fit(X, y, patterns, beta=3.0, tol=tol) for tol in (1e-6, 1e-10))
    price = solvers.multipliers(X, patterns, rough.dual)[1]
    width = np.sqrt(2.0 * (rough.objective - rough.lower_bound)) * np.linalg.norm(
        solvers.blocks(X, patterns)[0], 2, axis=(1, 2)
    )
    zero = price + width < 3.0
    lengths = np.linalg.norm(np.hstack([best.v, best.w]), axis=0)
    assert zero.sum() >= 5 and lengths[zero].max() <= 1e-6 * lengths.max()
