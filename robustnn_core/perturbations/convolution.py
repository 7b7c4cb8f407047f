"""The experiment beyond the theory: ten classes, convolutional nets, perturbations by PGD.

The same three steps as :func:`~robustnn_core.perturbations.experiments.learn`, with nothing of the theorem in
force: train a ``convnet.ConvNet``, perturb every image towards a false label, train a second net from scratch on the
perturbed images with the false labels, and test it on clean ones.
"""

import math
from dataclasses import dataclass

import numpy as np

from robustnn_core import attacks, checks, streams
from robustnn_core.perturbations import convnet

__all__ = ["RULES", "Lesson", "enlarge", "false_labels", "learn_images", "perturb_images", "score"]

RULES = ("random", "deterministic")

_CHUNK = 1600  # images attacked at a time; a multiple of the parts that convnet gives its threads


@dataclass(frozen=True, eq=False)
class Lesson:
    """What a second net learned from perturbed images with false labels.

    Attributes
    ----------
    clean : ndarray, shape (epochs,)
        Accuracy on clean test images after each epoch.
    fitted : float
        Accuracy on the false labels in the last epoch, as the images were met.
    net : ConvNet
    """

    clean: np.ndarray
    fitted: float
    net: convnet.ConvNet

    @property
    def last(self):
        """After the last epoch: what someone without clean test images gets."""
        return float(self.clean[-1])

    @property
    def best(self):
        """Maximum over the epochs: chosen with the test images in sight."""
        return float(self.clean.max())


def enlarge(X, shape, factor=2):
    """Repeat every pixel of the images ``factor`` times in both directions.

    Parameters
    ----------
    X : array_like, shape (N, height * width)
    shape : (int, int)
    factor : int >= 1

    Returns
    -------
    ndarray, shape (N, height * width * factor^2)

    Examples
    --------
    >>> from robustnn_core.perturbations.convolution import enlarge
    >>> enlarge([[1.0, 2.0]], (1, 2)).tolist()
    [[1.0, 1.0, 2.0, 2.0, 1.0, 1.0, 2.0, 2.0]]
    """
    X = checks.array(X, "X", shape=("N", math.prod(shape)))
    factor = checks.integer(factor, "factor", at_least=1)
    return X.reshape(-1, *shape).repeat(factor, axis=1).repeat(factor, axis=2).reshape(len(X), -1)


def false_labels(y, rule, *, seed, classes=10):
    """Return the labels to learn instead of ``y``.

    Parameters
    ----------
    y : array_like, shape (N,)
        Classes 0, ..., classes - 1.
    rule : {"random", "deterministic"}
        Any class with equal probability, whatever the image shows (so one in ``classes`` is true by chance), or the
        next class, y + 1 (and 0 after the last).
    seed : int >= 0, tuple of int, or numpy Generator
    classes : int

    Returns
    -------
    ndarray of int, shape (N,)

    Examples
    --------
    >>> from robustnn_core.perturbations.convolution import false_labels
    >>> false_labels([0, 8, 9], "deterministic", seed=0)
    array([1, 9, 0])
    """
    checks.choice(rule, "rule", RULES)
    classes = checks.integer(classes, "classes", at_least=2)
    y = checks.array(y, "y", shape=("N",)).astype(np.int64)
    if rule == "deterministic":
        return (y + 1) % classes
    return streams.generator(seed).integers(classes, size=len(y))


def perturb_images(net, X, y, labels, *, norm, eps, steps=10, low=0.0, high=1.0):
    """Perturb images towards ``labels`` by targeted PGD.

    Parameters
    ----------
    net : ConvNet
    X : array_like, shape (N, d)
    y, labels : array_like, shape (N,)
        True classes, and the classes to move towards.
    norm, eps, steps, low, high
        As in :func:`robustnn_core.attacks.pgd`.

    Returns
    -------
    Attacked
        As of one call of ``attacks.pgd``; the images are attacked some at a time, so that memory stays small.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.perturbations import convnet
    >>> from robustnn_core.perturbations.convolution import perturb_images
    >>> net = convnet.ConvNet.initial(16, seed=0)
    >>> attack = perturb_images(net, np.full((3, 256), 0.5), [0, 1, 2], [1, 2, 3], norm="linf", eps=0.1)
    >>> attack.X.shape, float(np.abs(attack.eta).max().round(6))
    ((3, 256), 0.1)
    """
    X = checks.array(X, "X", shape=("N", net.side**2))
    y, labels = (checks.array(value, name, shape=(len(X),)) for value, name in ((y, "y"), (labels, "labels")))
    found = [
        attacks.pgd(net, X[part], y[part], target=labels[part], eps=eps, norm=norm, steps=steps, low=low, high=high)
        for part in (slice(i, i + _CHUNK) for i in range(0, len(X), _CHUNK))
    ]
    return attacks.Attacked(
        *(np.concatenate([getattr(a, name) for a in found]) for name in ("X", "eta", "gain", "success"))
    )


def score(net, X, y):
    """Share of the images whose largest score is that of their class.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.perturbations import convnet
    >>> from robustnn_core.perturbations.convolution import score
    >>> score(convnet.ConvNet.initial(16, seed=0), np.zeros((4, 256)), [0, 0, 0, 0])
    1.0
    """
    return float(np.mean(net.predict(X).argmax(axis=1) == checks.array(y, "y", shape=("N",))))


def learn_images(X, labels, test, *, epochs, seed, **options):
    """Train a second net from scratch on the images X with ``labels``, and test it on clean images after every epoch.

    Parameters
    ----------
    X, labels
        As in :func:`robustnn_core.perturbations.convnet.train`.
    test : (X, y)
        Clean images with their true classes.
    epochs, seed, **options
        As in :func:`robustnn_core.perturbations.convnet.train`.

    Returns
    -------
    Lesson

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.perturbations.convolution import learn_images
    >>> X = np.random.default_rng(0).uniform(size=(64, 256))
    >>> X[:32, :128] += 1.0
    >>> y = np.repeat([0, 1], 32)
    >>> lesson = learn_images(X, y, (X, y), epochs=12, batch=16, rate=5e-3, seed=0)
    >>> lesson.clean.shape, lesson.last
    ((12,), 1.0)
    """
    run = convnet.train(X, labels, epochs=epochs, seed=seed, watch=lambda now: score(now, *test), **options)
    return Lesson(np.array(run.watched), float(run.trace.accuracy[-1]), run.net)
