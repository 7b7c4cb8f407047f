"""Public checks of the exercises of *Beyond the theory*."""

import numpy as np

from robustnn_core.course import call, compare, fail, numbers, parts

EXERCISES = {
    "ex-pt6-true": "only_false",
    "ex-pt6-transfer": "ridge_scores",
    "ex-pt6-open": "paired_change",
    "ex-pt6-mechanism": "mean_part",
}


def only_false(answer):
    images = np.arange(12.0).reshape(6, 2)
    y, labels = np.array([0, 1, 2, 1, 0, 2]), np.array([1, 1, 0, 1, 2, 2])
    kept, names = parts(
        call(answer, images, y, labels, name="only_false"),
        2,
        name="only_false",
        what="two arrays: the images and their labels",
    )
    kept, names = (
        numbers(kept, name="the images of only_false", shape=(3, 2)),
        numbers(names, name="the labels of only_false", shape=(3,)),
    )
    rows = (kept[:, 0] / 2).astype(int).clip(0, 5)
    compare(kept, images[rows], name="the images of only_false", hint="They must be rows of the images.")
    compare(
        names,
        labels[rows],
        name="the labels of only_false",
        hint="An image keeps the label that it is trained on, not its true class.",
    )
    if (names == y[rows]).any():
        fail("only_false kept an image whose label is true.")


def ridge_scores(answer):
    rng = np.random.default_rng(61)
    X, labels, Z = rng.random((7, 9)), np.array([0, 2, 1, 1, 2, 1, 0]), rng.random((4, 9))

    def scores(X, Z, alpha):
        return numbers(call(answer, X, labels, Z, alpha, name="ridge_scores"), name="ridge_scores", shape=(len(Z), 3))

    one = scores(X, Z, 2.0)
    compare(
        one.sum(axis=1),
        np.full(4, -1.0),
        name="the sum of ridge_scores over three classes",
        hint="So do the targets: one is +1, two are -1.",
    )
    compare(
        scores(X + 5, Z + 5, 2.0),
        one,
        name="ridge_scores with 5 added to all pixels",
        hint="The intercept takes up the mean, and is not punished.",
    )
    compare(
        scores(X, Z, 1e12),
        np.tile([-3 / 7, -1 / 7, -3 / 7], (4, 1)),
        name="ridge_scores with a huge alpha",
        hint="Then only the intercept is left.",
    )
    known = np.where(np.equal.outer(labels, [0, 1, 2]), 1.0, -1.0)
    compare(
        scores(X, X, 1e-9),
        known,
        name="ridge_scores of the training images with almost no alpha",
        tol=1e-4,
        hint="Seven images of nine pixels can be fitted.",
    )


def paired_change(answer):
    before, seeds = np.array([0.60, 0.71, 0.66, 0.58]), np.array([0.0, 0.2, -0.1, 0.15])
    after = np.array([0.70, 0.77, 0.72, 0.72])

    def change(before, after):
        return numbers(call(answer, before, after, name="paired_change"), name="paired_change", shape=(2,))

    mean, error = change(before, after)
    compare(
        change(before + seeds, after + seeds),
        [mean, error],
        name="paired_change with easier and harder seeds",
        hint="What a seed does to both runs does not count.",
    )
    compare(change(after, before), [-mean, error], name="paired_change with before and after exchanged")
    compare(
        change(before, before + 0.1),
        [0.1, 0.0],
        name="paired_change where every seed gains 0.1",
        hint="Such a difference has no error.",
    )
    compare(change(2 * before, 2 * after), [2 * mean, 2 * error], name="paired_change with all accuracies doubled")


def mean_part(answer):
    X, y = np.array([[0.0, 1, 0, 0], [0, 3, 0, 0], [1, 0, 4, 0], [1, 0, 0, 0], [2, 2, 2, 0]]), np.array([0, 0, 1, 1, 2])
    eta = np.random.default_rng(62).standard_normal((6, 4))

    def part(eta, X):
        return numbers(call(answer, eta, X, y, name="mean_part"), name="mean_part", shape=eta.shape)

    found = part(eta, X)
    compare(
        part(found, X), found, name="mean_part of its own result", hint="A projection changes nothing the second time."
    )
    differences = np.array([[1.0, -2, 2, 0], [2, 0, 2, 0], [1, 2, 0, 0]])
    compare(
        part(differences, X), differences, name="mean_part of differences of class means", hint="They lie in the span."
    )
    compare(found[:, 3], np.zeros(6), name="mean_part at a pixel that is the same in all images,")
    compare(
        part(eta, X + 7),
        found,
        name="mean_part with 7 added to all pixels",
        hint="Only differences of the means count.",
    )
    compare(((eta - found) * found).sum(axis=1), np.zeros(6), name="the inner product of mean_part with the rest")
