"""Answers and hidden checks of the exercises of *Beyond the theory*."""

import numpy as np

from robustnn_core.course import call, compare, numbers, parts
from robustnn_core.perturbations import convolution


def only_false(images, y, labels):
    """Return two arrays, the images whose label is false and these labels, in the old order.

    ``images`` has shape (N, d), ``y`` are the true classes and ``labels`` the ones to learn, both of shape (N,).
    """
    keep = labels != y
    return images[keep], labels[keep]


def hidden_only_false(answer):
    rng = np.random.default_rng(61)
    for n, rule in ((5, "deterministic"), (40, "random"), (300, "random")):
        images, y = rng.random((n, 6)), rng.integers(10, size=n)
        labels = convolution.false_labels(y, rule, seed=n)
        found = call(answer, images, y, labels, name="only_false")
        found = parts(found, 2, name="only_false", what="two arrays")
        known = [(x, b) for x, a, b in zip(images, y, labels) if a != b]
        compare(found[0], np.array([x for x, _ in known]), name="the images of only_false")
        compare(found[1], np.array([b for _, b in known]), name="the labels of only_false")


def ridge_scores(X, labels, Z, alpha):
    """Return the scores of the rows of ``Z``, shape (rows of Z, classes), by ridge regression with an intercept.

    It is fitted to the rows of ``X``, with the target +1 for the class in ``labels`` (0, 1, ...) and -1 for the others.
    The penalty is ``alpha`` times the sum of the squared weights, beside the sum of squared errors, without the
    intercept.
    """
    targets = np.where(np.equal.outer(labels, np.arange(labels.max() + 1)), 1.0, -1.0)
    mean, level = X.mean(axis=0), targets.mean(axis=0)
    weights = np.linalg.solve((X - mean).T @ (X - mean) + alpha * np.eye(X.shape[1]), (X - mean).T @ (targets - level))
    return level + (Z - mean) @ weights


def hidden_ridge_scores(answer):
    from sklearn.linear_model import RidgeClassifier

    rng = np.random.default_rng(62)
    for n, d, classes, alpha in ((30, 5, 3, 0.5), (60, 12, 10, 10.0), (20, 40, 4, 2.0)):
        X, labels, Z = rng.random((n, d)), rng.permutation(np.arange(n) % classes), rng.random((7, d))
        known = RidgeClassifier(alpha=alpha).fit(X, labels).decision_function(Z)
        compare(call(answer, X, labels, Z, alpha, name="ridge_scores"), known, name="ridge_scores")


def paired_change(before, after):
    """Return two numbers: the mean gain in accuracy over the seeds, and its standard error.

    ``before`` and ``after`` hold the accuracies without and with the change, one for each seed, in the same order.
    """
    gain = after - before
    return gain.mean(), gain.std(ddof=1) / np.sqrt(len(gain))


def hidden_paired_change(answer):
    from scipy import stats

    rng = np.random.default_rng(63)
    for n in (3, 5, 20):
        before = rng.random(n)
        after = before + 0.05 + 0.1 * rng.standard_normal(n)
        found = numbers(call(answer, before, after, name="paired_change"), name="paired_change", shape=(2,))
        known = stats.ttest_rel(after, before).statistic  # the quotient of the two numbers
        compare(found[0], np.mean(after) - np.mean(before), name="the mean of paired_change")
        compare(
            found[1] * known,
            found[0],
            name="the standard error of paired_change, times the t statistic,",
            hint="Mind n - 1.",
        )


def mean_part(eta, X, y):
    """Return the projections of the rows of ``eta``, an array like it.

    They are projected on the span of the differences of the class means.

    ``X`` has one image in each row, of the class in ``y`` (0, 1, ...); no class is empty.
    """
    means = np.stack([X[y == k].mean(axis=0) for k in range(y.max() + 1)])
    steps = means[1:] - means[0]
    return eta @ np.linalg.pinv(steps) @ steps


def hidden_mean_part(answer):
    rng = np.random.default_rng(64)
    for n, d, classes in ((12, 4, 2), (40, 9, 4), (60, 30, 10)):
        X, y, eta = rng.random((n, d)), rng.permutation(np.arange(n) % classes), rng.standard_normal((5, d))
        means = [sum(x for x, k in zip(X, y) if k == label) / (y == label).sum() for label in range(classes)]
        span = np.array([b - a for a, b in zip(means, means[1:])]).T
        known = [span @ np.linalg.lstsq(span, row, rcond=None)[0] for row in eta]
        compare(call(answer, eta, X, y, name="mean_part"), known, name="mean_part")


WRONG = {
    "only_false": [
        lambda images, y, labels: (images[labels == y], labels[labels == y]),
        lambda images, y, labels: (images[labels != y], y[labels != y]),  # the true classes
        lambda images, y, labels: (images, labels),
        lambda images, y, labels: (images[labels != y][::-1], labels[labels != y][::-1]),  # another order
    ],
    "ridge_scores": [
        lambda X, labels, Z, alpha: (
            Z @ np.linalg.solve(X.T @ X + alpha * np.eye(X.shape[1]), X.T @ (2 * np.eye(labels.max() + 1)[labels] - 1))
        ),
        lambda X, labels, Z, alpha: (
            (Z - X.mean(axis=0))
            @ np.linalg.solve(
                (X - X.mean(axis=0)).T @ (X - X.mean(axis=0)) + alpha * np.eye(X.shape[1]),
                (X - X.mean(axis=0)).T @ np.eye(labels.max() + 1)[labels],
            )
        ),  # targets 0 and 1
        lambda X, labels, Z, alpha: (
            (2 * np.eye(labels.max() + 1)[labels] - 1).mean(axis=0)
            + (Z - X.mean(axis=0))
            @ np.linalg.solve(
                (X - X.mean(axis=0)).T @ (X - X.mean(axis=0)) + alpha * len(X) * np.eye(X.shape[1]),
                (X - X.mean(axis=0)).T @ (2 * np.eye(labels.max() + 1)[labels] - 1),
            )
        ),  # alpha times n
    ],
    "paired_change": [
        lambda before, after: (
            np.mean(after - before),
            np.sqrt((before.var(ddof=1) + after.var(ddof=1)) / len(before)),
        ),  # not paired
        lambda before, after: (np.mean(after - before), np.std(after - before, ddof=1)),  # of one seed
        lambda before, after: (
            np.mean(after - before),
            np.std(after - before) / np.sqrt(len(before)),
        ),  # n instead of n - 1
        lambda before, after: (np.max(after) - np.max(before), np.std(after - before, ddof=1) / np.sqrt(len(before))),
    ],
    "mean_part": [
        lambda eta, X, y: eta @ np.linalg.pinv(X) @ X,  # the span of the images
        lambda eta, X, y: (
            eta
            @ np.linalg.pinv(np.stack([X[y == k].mean(axis=0) for k in range(y.max() + 1)]))
            @ np.stack([X[y == k].mean(axis=0) for k in range(y.max() + 1)])
        ),  # of the means, not of their differences
        lambda eta, X, y: eta - eta @ np.linalg.pinv(X - X.mean(axis=0)) @ (X - X.mean(axis=0)),
    ],
}
