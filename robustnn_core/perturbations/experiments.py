"""What a chapter calls to get one figure's numbers: the whole pipeline, from data to the second net's verdict."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from robustnn_core import attacks, blas, checks, nets, streams
from robustnn_core.perturbations import kkt, theory
from robustnn_core.perturbations.adversaries import AdversarialSet, adversarial_set, balanced_signs
from robustnn_core.perturbations.training import Run, train_flow

__all__ = [
    "PAPER_SYNTHETIC",
    "PAPER_TABLE",
    "NoiseBase",
    "Outcome",
    "accuracy",
    "learn",
    "means",
    "noise_base",
    "orthogonal",
    "stored",
    "uniform",
]

# Read off the figures of the paper, +-.02: d = 10^4, n = 10^3, N_adv = 10^4, leak .01, eps .78, but for the one
# that varies.
PAPER_SYNTHETIC = {
    "d": {100: 0.63, 500: 0.69, 1000: 0.80, 2500: 0.91, 5000: 0.98, 7500: 1.0, 10000: 1.0},
    "adversarial": {100: 0.66, 500: 0.80, 1000: 0.91, 2500: 0.97, 10000: 1.0},
    "n": {1000: 1.0, 2000: 0.99, 4000: 0.96, 6000: 0.91, 8000: 0.85, 10000: 0.80},
    "eps": {0.1: 0.68, 0.2: 0.83, 0.3: 0.91, 0.4: 0.97, 0.6: 1.0},
}

# The paper's table of larger nets on images: clean accuracy of the second net by norm of the perturbation.
PAPER_TABLE = {
    "mnist": {
        "standard": 0.995,
        "random": {"l0": 0.50, "l2": 0.94, "linf": 0.92},
        "deterministic": {"l0": 0.06, "l2": 0.44, "linf": 0.15},
    },
    "fashion-mnist": {
        "standard": 0.925,
        "random": {"l0": 0.2, "l2": 0.69, "linf": 0.71},
        "deterministic": {"l0": 0.02, "l2": 0.28, "linf": 0.26},
    },
    "cifar10": {
        "standard": 0.955,
        "random": {"l0": 0.60, "l2": 0.77, "linf": 0.79},
        "deterministic": {"l0": 0.20, "l2": 0.47, "linf": 0.57},
    },
}


@dataclass(frozen=True)
class NoiseBase:
    """Averages over draws of the noise, see :func:`noise_base`.

    Attributes
    ----------
    accuracy : float
        Of the second net on the first one's data.
    argument : float
        Mean of y_n (T1 + T2)(x_n) over its standard deviation: what stands inside Phi.
    factor : float
        ``argument`` over eps sqrt(N_adv/N)/sigma.
    share : float
        Of T2 that the mean of T1 takes back.
    error : float
        Standard error of ``share`` over the draws.
    positive : float
        Share of the multipliers that are > 0: 1 where M lam = 1 is a KKT point.
    """

    accuracy: float
    argument: float
    factor: float
    share: float
    error: float
    positive: float


@dataclass(frozen=True, eq=False)
class Outcome:
    """One run of the pipeline.

    Attributes
    ----------
    first, second, control : float
        Accuracy on the test points of the first net, of the second, and of one trained on the same points with the
        same false labels but without the perturbation (nan if not asked for).
    agreement : float
        Share of the test points where both nets say the same.
    crossed : float
        Share of the perturbed points that the first net gives the false label: how many attacks succeeded.
    kappa : float
        eps sqrt(N)/R ("l2"; nan for other norms).
    first_run, second_run : Run
    adversarial : AdversarialSet
    """

    first: float
    second: float
    control: float
    agreement: float
    crossed: float
    kappa: float
    first_run: Run
    second_run: Run
    adversarial: AdversarialSet


def accuracy(net, X, y):
    """Share of the rows of X that the net gives the label y; a score of 0 is wrong.

    Examples
    --------
    >>> from robustnn_core import nets
    >>> from robustnn_core.perturbations.experiments import accuracy
    >>> accuracy(nets.ReLUSum([[1.0], [-1.0]], [1, -1]), [[2.0], [-1.0]], [1, 1])
    0.5
    """
    return float(np.mean(np.sign(net.predict(X)) == y))


def uniform(n, d, seed):
    """Points from U[-1, 1]^d with balanced random labels: ``(X, y)``.

    Examples
    --------
    >>> from robustnn_core.perturbations.experiments import uniform
    >>> X, y = uniform(4, 3, seed=0)
    >>> X.shape, y.sum()
    ((4, 3), np.float64(0.0))
    """
    n, d = checks.integer(n, "n", at_least=1), checks.integer(d, "d", at_least=1)
    rng = streams.generator(seed)
    return rng.uniform(-1, 1, size=(n, d)), balanced_signs(rng, n)


def means(n, d, seed, *, square):
    r"""Points :math:`x = y\mu + \xi`, :math:`|\mu|^2` = ``square``, xi normal, and a sampler of test points.

    Returns
    -------
    X, y : ndarray, shape (n, d) and (n,)
    sample : function of (n, seed) -> (X, y)

    Examples
    --------
    >>> from robustnn_core.perturbations.experiments import means
    >>> X, y, sample = means(2, 10, 0, square=4.0)
    >>> sample(3, 1)[0].shape
    (3, 10)
    """
    n, d = checks.integer(n, "n", at_least=1), checks.integer(d, "d", at_least=1)
    mu = np.full(d, math.sqrt(checks.number(square, "square", above=0.0) / d))

    def sample(n, seed):
        rng = streams.generator(seed)
        y = balanced_signs(rng, n)
        return y[:, None] * mu + rng.standard_normal((n, d)), y

    return *sample(n, seed), sample


def orthogonal(n, d, seed, *, norm=1.0):
    """Exactly orthogonal points of one norm (columns of a random rotation), balanced labels: ``(X, y)``.

    Examples
    --------
    >>> from robustnn_core.perturbations.experiments import orthogonal
    >>> X, y = orthogonal(3, 5, seed=0, norm=2.0)
    >>> (X @ X.T).round(12).diagonal()
    array([4., 4., 4.])
    """
    n = checks.integer(n, "n", at_least=1)
    d = checks.integer(d, "d", at_least=n)
    rng = streams.generator(seed)
    axes = np.linalg.qr(rng.standard_normal((d, n)))[0]
    return np.ascontiguousarray(checks.number(norm, "norm", above=0.0) * axes.T), balanced_signs(rng, n)


def noise_base(leak, *, eps, n, adversarial, d, trials, seed):
    """Draw the noise base ``trials`` times for one orthogonal D, solve M lam = 1, and measure T1 + T2 on D.

    The closed form, not a training: multipliers that are not positive stay as they are and are counted. Every draw is
    used together with its mirror image, base and -base, which leaves the expectations and takes most of their error.

    Parameters
    ----------
    leak, eps : float
    n, adversarial, d : int
        N, N_adv and d; N <= d.
    trials : int >= 2
    seed : int >= 0, tuple of int, or numpy Generator

    Returns
    -------
    NoiseBase

    Examples
    --------
    >>> from robustnn_core.perturbations.experiments import noise_base
    >>> found = noise_base(0.5, eps=0.5, n=20, adversarial=20, d=200, trials=20, seed=0)
    >>> round(found.accuracy, 1), found.positive
    (0.8, 1.0)
    """
    leak, eps = theory.check_leak(leak), checks.number(eps, "eps", above=0.0)
    trials = checks.integer(trials, "trials", at_least=2)
    seeds = streams.spawn(seed, trials + 1)
    X, y = orthogonal(n, d, seeds[0])
    w = kkt.direction(X, y, np.ones(len(y)))
    right, shares, positive, mean, square = [], [], [], [], []
    for own in seeds[1:]:
        adv = adversarial_set(X, y, direction=w, eps=eps, base="noise", n=adversarial, seed=own)
        mirrored = AdversarialSet(base=-adv.base, eta=adv.eta, y=adv.y)
        told, pushed = (
            np.concatenate(part) for part in zip(*(_voices(X, y, one, leak, positive) for one in (adv, mirrored)))
        )
        right.append(np.mean(told > 0))
        shares.append(1 - told.mean() / pushed.mean())
        mean.append(told.mean())
        square.append(np.mean((told - told.mean()) ** 2))
    argument = float(np.mean(mean) / math.sqrt(np.mean(square)))
    plain = eps * math.sqrt(3 * adversarial / n)
    error = float(np.std(shares, ddof=1) / math.sqrt(trials))
    return NoiseBase(
        float(np.mean(right)), argument, argument / plain, float(np.mean(shares)), error, float(np.mean(positive))
    )


def _voices(X, y, adv, leak, positive):
    """y (T1 + T2) and y T2 at the rows of X; the share of positive multipliers goes to the list ``positive``."""
    lam = np.linalg.solve(kkt.pattern_matrix(blas.gram(adv.X), adv.y, leak), np.ones(len(adv.y)))
    positive.append(np.mean(lam > 0))
    weights = (lam * adv.y)[None]
    return tuple(y * blas.product(X, blas.product(weights, part)[0]) for part in (adv.X, adv.eta))


def learn(
    X,
    y,
    *,
    leak,
    eps,
    base="natural",
    labels="random",
    n=None,
    norm="l2",
    size=1.0,
    test=None,
    attack="geometry",
    steps=300,
    width=20,
    seed,
    loss="exponential",
    start_scale=1e-3,
    control=False,
):
    """Run the experiment: train f, perturb towards false labels, train g from scratch on them, test both.

    Parameters
    ----------
    X, y : array_like, shape (N, d) and (N,)
        The first net's data.
    leak, steps, width, loss, start_scale
        Of both trainings, see :func:`~robustnn_core.perturbations.train_flow`.
    eps, base, labels, n, norm, size
        See :func:`~robustnn_core.perturbations.adversarial_set`.
    test : (X, y), optional
        Where accuracies are measured; the first net's own data when not given.
    attack : {"geometry", "pgd", "fgsm"}
        Along w = sum lam y x, or by gradients of the net itself towards the false labels (PGD: 20 steps).
    seed : int >= 0, tuple of int, or numpy Generator
    control : bool
        Also train on the false labels without the perturbation.

    Returns
    -------
    Outcome

    Raises
    ------
    ValueError
        As the functions above; a first net that did not separate its data.

    Examples
    --------
    >>> from robustnn_core.perturbations.experiments import learn, uniform
    >>> X, y = uniform(40, 400, seed=0)
    >>> result = learn(X, y, leak=0.5, eps=1.5, base="noise", n=100, steps=150, seed=1)
    >>> result.first, result.second > 0.9
    (1.0, True)
    """
    checks.choice(attack, "attack", ("geometry", "pgd", "fgsm"))
    seeds = streams.spawn(seed, 5)
    options = {"leak": leak, "steps": steps, "width": width, "loss": loss, "start_scale": start_scale}
    first = train_flow(X, y, seed=seeds[0], **options)
    if not first.separated:
        raise ValueError(
            f"X and y were not separated in steps = {steps} steps "
            f"(smallest margin {first.margins.min():.3g}); take more steps"
        )
    w = kkt.direction(first.X, first.y, first.multipliers)
    adv = adversarial_set(
        X, y, direction=w, eps=eps, base=base, labels=labels, n=n, norm=norm, size=size, seed=seeds[1]
    )
    if attack != "geometry":
        climb = {"steps": 20, "seed": seeds[2]} if attack == "pgd" else {}
        found = getattr(attacks, attack)(
            first.net, adv.base, -adv.y, target=adv.y, eps=eps, norm=norm, size=size, **climb
        )
        adv = AdversarialSet(base=adv.base, eta=found.eta, y=adv.y)
    second = train_flow(adv.X, adv.y, seed=seeds[3], **options)
    X_test, y_test = (first.X, first.y) if test is None else test
    f, g = _verdicts(first, X_test), _verdicts(second, X_test)
    nothing = math.nan
    if control:
        plain = train_flow(adv.base, adv.y, seed=seeds[4], **options)
        nothing = float(np.mean(_verdicts(plain, X_test) == y_test))
    return Outcome(
        first=float(np.mean(f == y_test)),
        second=float(np.mean(g == y_test)),
        control=nothing,
        agreement=float(np.mean(f == g)),
        crossed=accuracy(first.net, adv.X, adv.y),
        kappa=theory.kappa(X, eps) if norm == "l2" else math.nan,
        first_run=first,
        second_run=second,
        adversarial=adv,
    )


def _verdicts(run, X):
    """Signs of a run's net at the rows of X, from products that do not depend on the number of threads."""
    X = checks.array(X, "test", shape=("N", run.X.shape[1]))
    return np.sign(blas.product(nets.leaky_relu(blas.product(X, run.net.weights.T), run.leak), run.net.head))


def stored(name):
    """Return a stored study: settings, and results by seed.

    Parameters
    ----------
    name : {"mnist"}
        What ``tools/mnist_study.py`` measured on MNIST.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        No study of this name.

    Examples
    --------
    >>> from robustnn_core.perturbations.experiments import stored
    >>> stored("mnist")["settings"]["seeds"]
    [0, 1, 2]
    """
    folder = Path(__file__).parent / "data"
    checks.choice(name, "name", tuple(sorted(path.stem for path in folder.glob("*.json"))))
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
