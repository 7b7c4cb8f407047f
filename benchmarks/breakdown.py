"""Robust fits against their peers, in one run: ``python benchmarks/breakdown.py [--quick]``.

Same data for everybody, the median of several runs, compilation left out. Peers that are not installed
are skipped and said so.
"""

import importlib.util
import sys
import time
import warnings

import numpy as np

from robustnn_core import breakdown
from robustnn_core.breakdown import adversaries

QUICK = "--quick" in sys.argv
TRIALS = 3 if QUICK else 9


def have(module):
    return importlib.util.find_spec(module) is not None


def timed(run, *arguments, **options):
    start = time.perf_counter()
    result = run(*arguments, **options)
    return time.perf_counter() - start, result


def linear_estimators(n, p, m):
    """name -> fit(X, y) returning coefficients."""
    found = {
        "ols": lambda X, y: breakdown.ols(X, y).coef,
        "huber": lambda X, y: breakdown.huber(X, y).coef,
        "lad": lambda X, y: breakdown.lad(X, y).coef,
        "torrent": lambda X, y: breakdown.torrent(X, y, keep=n - m).coef,
        "lts": lambda X, y: breakdown.lts(X, y, keep=(n + p + 1) // 2, seed=0).coef,
    }
    if have("sklearn"):
        from sklearn import linear_model as lm

        def coef(model):
            return lambda X, y: model.fit(X, y).coef_

        def ransac(X, y):
            return (
                lm.RANSACRegressor(lm.LinearRegression(fit_intercept=False), random_state=0).fit(X, y).estimator_.coef_
            )

        found["sklearn HuberRegressor"] = coef(lm.HuberRegressor(fit_intercept=False, max_iter=1000))
        found["sklearn RANSACRegressor"] = ransac
        found["sklearn TheilSenRegressor"] = coef(lm.TheilSenRegressor(fit_intercept=False, random_state=0))
        found["sklearn QuantileRegressor"] = coef(lm.QuantileRegressor(alpha=0.0, fit_intercept=False))
    if have("statsmodels"):
        import statsmodels.api as sm

        found["statsmodels RLM"] = lambda X, y: sm.RLM(y, X).fit().params
        try:
            from statsmodels.robust.resistant_linear_model import RLMDetSMM

            found["statsmodels RLMDetSMM"] = lambda X, y: RLMDetSMM(y, X).fit().params
        except ImportError:
            pass
    else:
        print("statsmodels is not installed: its rows are missing")
    return found


def linear(n=600, p=8):
    problem = breakdown.LinearProblem(n, p)
    for adversary, fraction in (
        (adversaries.GrossOutliers(), 0.3),
        (adversaries.Impostor(), 0.3),
        (adversaries.Leverage(), 0.18),
    ):
        m = int(fraction * n)
        print(f"\nlinear, n = {n}, p = {p}, {type(adversary).__name__} {fraction}: median error, median ms")
        best, ours = None, {}
        for name, fit in linear_estimators(n, p, m).items():
            errors, times = [], []
            for trial in range(TRIALS + 1):
                X, model = problem.draw(trial)
                y, _ = breakdown.corrupt(X, model.predict(X), fraction=fraction, adversary=adversary, seed=trial)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    took, coef = timed(fit, X, y)
                if trial:  # the first compiles
                    errors.append(np.linalg.norm(coef - model.coef) / np.linalg.norm(model.coef))
                    times.append(1e3 * took)
            error, took = float(np.median(errors)), float(np.median(times))
            print(f"  {name:28s} {error:9.1e} {took:9.3f}")
            if name in ("torrent", "lts"):
                ours[name] = took
            if " " in name and error < 1e-3 and (best is None or took < best[1]):
                best = (name, took)
        if best:
            for name, took in ours.items():
                print(f"  {name}: {best[1] / took:.0f} times faster than {best[0]}, the fastest peer that recovers")


def scaling(p=8):
    print("\nlinear cost in n (seconds; gross outliers .3)")
    for n in (10**3, 10**4, 10**5) if QUICK else (10**3, 10**4, 10**5, 10**6):
        X, model = breakdown.LinearProblem(n, p).draw(0)
        y, _ = breakdown.corrupt(X, model.predict(X), fraction=0.3, adversary=adversaries.GrossOutliers(), seed=0)
        row = [
            timed(breakdown.torrent, X, y, keep=0.7)[0],
            timed(breakdown.lts, X, y, keep=n // 2 + p, seed=0)[0],
        ]
        print(
            f"  n = {n:8d}   torrent {row[0]:8.4f}   lts {row[1]:8.4f}   "
            f"per point {1e6 * row[0] / n:.2f} and {1e6 * row[1] / n:.2f} us"
        )


def network(K=4, n=10_000, d=20):
    """The same trimmed loss from the same start: who reaches the objective of fit_partition, and when."""
    n = 2000 if QUICK else n
    signs = np.array([1.0, 1.0, -1.0, -1.0])[:K]
    rng = np.random.default_rng(0)
    X, net = breakdown.NetProblem(n, d, tuple(signs)).draw(0)
    truth = net.predict(X)
    y, _ = breakdown.corrupt(
        X, truth + 0.1 * rng.standard_normal(n), fraction=0.1, adversary=adversaries.GrossOutliers(), seed=0
    )
    h = int(0.75 * n)
    start = net.weights + 0.3 * rng.standard_normal(net.weights.shape) / np.sqrt(d)
    print(f"\nnetwork, K = {K}, n = {n}, d = {d}, h = 3n/4, noise .1: trimmed loss per point, seconds")

    def loss(U):
        return np.sort((y - np.maximum(X @ U.T, 0.0) @ signs) ** 2)[:h].sum() / h

    fits = {"fit_partition": breakdown.fit_partition, "fit_dc": breakdown.fit_dc}
    took = {}

    def report(name, value, seconds):
        ratio = seconds / took["fit_partition"]
        print(f"  {name:28s} {value:9.6f} {seconds:9.4f}   {ratio:.0f} times fit_partition")

    for name, fit in fits.items():
        case = dict(signs=signs, keep=h, start=start[None], seed=0)
        fit(X, y, **case)
        took[name], result = timed(fit, X, y, **case)
        target = result.objective / h
        print(f"  {name:28s} {target:9.6f} {took[name]:9.4f}   ({result.iterations} steps)")

    def scipy_fit():
        from scipy.optimize import least_squares

        U = start.copy()
        for _ in range(30):  # hard thresholding around SciPy's solver, the same alternation
            before = loss(U)
            r2 = (y - np.maximum(X @ U.T, 0.0) @ signs) ** 2
            S = np.argsort(r2)[:h]

            def residual(t, S=S):
                return np.maximum(X[S] @ t.reshape(K, d).T, 0.0) @ signs - y[S]

            def jacobian(t, S=S):
                active = (X[S] @ t.reshape(K, d).T > 0) * signs
                return (active[:, :, None] * X[S][:, None, :]).reshape(len(S), -1)

            U = least_squares(residual, U.ravel(), jac=jacobian, method="lm").x.reshape(K, d)
            if loss(U) >= before * (1 - 1e-6):
                break
        return loss(U)

    seconds, value = timed(scipy_fit)
    report("scipy least_squares", value, seconds)
    if have("torch"):
        import torch

        def adam():
            torch.manual_seed(0)
            XT, yT, sT = (torch.tensor(a) for a in (X, y, signs))
            U = torch.tensor(start, requires_grad=True)
            optimizer = torch.optim.Adam([U], lr=0.01)
            for step in range(5000):
                optimizer.zero_grad()
                r2 = (yT - torch.relu(XT @ U.T) @ sT) ** 2
                value = torch.topk(r2, h, largest=False).values.mean()
                if step % 20 == 0 and value.item() <= target * (1 + 1e-4):
                    break
                value.backward()
                optimizer.step()
            return value.item()

        seconds, value = timed(adam)
        report("torch Adam (CPU)", value, seconds)
    else:
        print("  torch is not installed: its row is missing")


def curves():
    from concurrent.futures import ProcessPoolExecutor

    case = dict(fractions=np.linspace(0.02, 0.24, 12), trials=10 if QUICK else 50, seed=0)
    print(f"\na breakdown curve, 12 fractions x {case['trials']} trials, two processes")
    with ProcessPoolExecutor(2) as pool:
        for signs, n, d in (((1,), 400, 5), ((1, 1), 500, 5)):
            problem = breakdown.NetProblem(n, d, signs, balanced=True)
            for adversary in (adversaries.ActiveHalf(0.5), adversaries.Leverage()):
                seconds, curve = timed(
                    breakdown.breakdown_curve, "partition", problem, adversary, **case, executor=pool
                )
                print(
                    f"  K = {len(signs)}, {type(adversary).__name__:12s} {seconds:6.2f} s, "
                    f"breakdown point {curve.breakdown_point:.2f}"
                )


if __name__ == "__main__":
    linear()
    scaling()
    network()
    curves()
