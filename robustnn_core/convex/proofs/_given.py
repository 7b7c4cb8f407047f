"""What a ledger is given."""

from robustnn_core.convex import program

__all__ = ["given"]


def given(X, y, fit):
    """Return ``X`` and ``y`` as arrays, for ``fit``, which may be a wrong one: the rows are there to say so.

    Raises
    ------
    ValueError
        Not a Fit, or one of data of another shape.
    """
    if not isinstance(fit, program.Fit):
        raise ValueError(f"fit = {fit!r} must be a Fit; make it by convex.fit(X, y, patterns, beta=...)")
    return program.check_problem(X, y, fit.patterns, fit.beta, fit.loss)[:2]
