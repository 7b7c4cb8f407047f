import numba
import numpy as np
import pytest

from robustnn_core import ConvergenceWarning, laws, nets
from robustnn_core.neurotron import _kernel, train
from robustnn_core.neurotron import adversaries as adv

NET, LAW, W_STAR = nets.SingleFilterNet.convolution(5, 3, leak=0.1), laws.Gaussian(5), np.array([1.0, -0.5, 0.25])
OPTIONS = {"eta": 0.02, "steps": 80, "repeats": 20, "seed": 3, "threads": 1}
W_FALSE = 1.25


@numba.njit
def own(x, mx, w, w_star, clean, theta, coin):
    """One function for all tests (a compilation costs seconds): theta's thousands say which adversary."""
    kind = int(theta / 1000)
    size = theta - 1000 * kind
    if kind == 1:  # greedy
        push = 0.0
        for j in range(len(w)):
            push += (w[j] - w_star[j]) * mx[j]
        return size if push >= 0 else -size
    if kind == 2:  # random sign
        return size if coin >= 0.5 else -size
    if kind == 3:  # an impostor whose filter is W_FALSE everywhere, for patches of length 3 of a signal
        posed = 0.0
        for i in range(len(x) - 2):
            z = W_FALSE * (x[i] + x[i + 1] + x[i + 2])
            posed += (z if z >= 0 else 0.1 * z) / (len(x) - 2)
        return posed - clean
    if kind == 4:  # acts on a part of the space only: beta(x)
        return size if x[0] > 0 else 0.0
    if kind == 5:
        return np.nan
    if kind == 6:  # breaks its budget once in a while
        return 2 * theta if coin > 0.99 else theta
    if kind == 7:  # writes into everything that it is given
        x[:], mx[:], w[:], w_star[:] = 9.0, 9.0, 9.0, 9.0
        return size
    if kind == 8:  # cannot answer to weights that are no numbers
        return size if w[0] == w[0] else np.nan
    return size


def test_a_copied_adversary_is_the_built_in_one():
    def run(adversary):
        return train(NET, LAW, W_STAR, adversary=adversary, **OPTIONS)

    # the budgets of the copies are in the thousands, what they answer is the rest
    np.testing.assert_allclose(run(adv.Compiled(own, 0.1)).weights, run(adv.Constant(0.1)).weights, rtol=1e-12)
    np.testing.assert_allclose(
        run(adv.Compiled(own, 1000.1)).weights, run(adv.Greedy(1000.1 - 1000)).weights, rtol=1e-12
    )
    np.testing.assert_allclose(
        run(adv.Compiled(own, 2000.1)).weights, run(adv.RandomSign(2000.1 - 2000)).weights, rtol=1e-12
    )
    false = np.full(3, W_FALSE)
    impostor = run(adv.Impostor(false))
    np.testing.assert_allclose(run(adv.Compiled(own, 3000.0)).weights, impostor.weights, rtol=1e-9)


def test_same_bits_for_every_number_of_threads_and_repeats():
    runs = [
        train(
            NET,
            LAW,
            W_STAR,
            adversary=adv.WithProbability(adv.Compiled(own, 2000.5), 0.5),
            **{**OPTIONS, "threads": t, "repeats": n},
        )
        for t, n in ((1, 40), (2, 40), (3, 40), (1, 5))
    ]
    for run in runs[1:]:
        np.testing.assert_array_equal(run.weights, runs[0].weights[: len(run.weights)])


def test_a_function_is_compiled_once():
    before = _kernel.advance_around.cache_info().misses
    for _ in range(3):
        train(NET, LAW, W_STAR, adversary=adv.Compiled(own, 0.1), **OPTIONS)
    assert _kernel.advance_around.cache_info().misses <= before + 1


def test_an_attack_on_a_part_of_the_space():
    half = train(NET, LAW, W_STAR, adversary=adv.Compiled(own, 4000.5), **OPTIONS)
    clean = train(NET, LAW, W_STAR, **OPTIONS)
    assert not np.array_equal(half.weights, clean.weights)


# --- budgets ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    "adversary, message",
    [
        (
            adv.Compiled(own, 6000.5),
            r"^adversary = Compiled.* answered with \|xi\| = 12001 > theta = 6000.5; declare a larger theta",
        ),
        (
            adv.Compiled(own, 5000.5),
            r"^adversary = Compiled.* answered with xi = nan, which is no label; .* lower eta = 0.02\)",
        ),
        (adv.WithProbability(adv.Compiled(own, 6000.5), 0.5), r"answered with \|xi\| = 12001 > theta = 6000.5"),
        (
            adv.Impostor(W_STAR + 1.0, theta=0.5),
            r"^adversary = Impostor.* answered with \|xi\| = .* > theta = 0.5; .* keep the answer inside",
        ),
    ],
)
def test_an_adversary_that_exceeds_theta_is_caught(adversary, message, threads):
    with pytest.raises(ValueError, match=message):
        train(NET, LAW, W_STAR, adversary=adversary, **{**OPTIONS, "threads": threads, "steps": 400})


def test_an_adversary_cannot_write_into_the_true_filter_or_the_run():
    w_star = W_STAR.copy()
    run = train(NET, LAW, w_star, adversary=adv.Compiled(own, 7000.5), **OPTIONS)
    np.testing.assert_array_equal(w_star, W_STAR)
    honest = train(NET, LAW, W_STAR, adversary=adv.Constant(7000.5 - 7000), **OPTIONS)
    np.testing.assert_array_equal(run.weights, honest.weights)
    np.testing.assert_array_equal(run.trace.errors, honest.trace.errors)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_learner_that_diverges_is_not_the_adversary_s_fault(threads):
    options = {**OPTIONS, "eta": 10.0, "steps": 4000, "threads": threads}
    with pytest.warns(ConvergenceWarning, match=r"^neurotron.train stopped short: 20 of 20 repeats diverged"):
        run = train(NET, LAW, W_STAR, adversary=adv.Compiled(own, 8000.5), **options)
    assert run.diverged.all()


def test_an_impostor_inside_its_budget_passes():
    net, law = nets.SingleFilterNet.gate(3), laws.Sphere(3, 2.0)
    w_adv = np.array([1.0, 0.0, 0.1])
    run = train(net, law, [1.0, 0.0, 0.0], adversary=adv.Impostor(w_adv, theta=0.2), eta=0.1, steps=600, seed=0)
    np.testing.assert_allclose(run.weights[0], w_adv, atol=1e-9)


@pytest.mark.parametrize(
    "adversary", [adv.Constant(0.0), adv.Greedy(0), adv.RandomSign(0.0), adv.Impostor(W_STAR, 0.0)]
)
def test_a_budget_of_zero_is_no_attack(adversary):
    clean = train(NET, LAW, W_STAR, **OPTIONS)
    np.testing.assert_array_equal(train(NET, LAW, W_STAR, adversary=adversary, **OPTIONS).weights, clean.weights)


def test_probabilities_at_their_ends():
    def run(adversary):
        return train(NET, LAW, W_STAR, adversary=adversary, **OPTIONS).weights

    greedy = adv.Greedy(0.2)
    np.testing.assert_array_equal(run(adv.WithProbability(greedy, 1.0)), run(greedy))
    np.testing.assert_array_equal(run(adv.WithProbability(greedy, 0.0)), run(adv.NoAttack()))
    one = adv.WithProbability(adv.Impostor([1, 2, 3]), 0.5)
    assert (one.theta, one.code, one.probability, one.function) == (np.inf, adv.IMPOSTOR, 0.5, None)


def test_how_often_an_attack_with_a_probability_acts():
    """w* = 0 and one input +-1 with leak 1: every attack of theta = 1 moves the first step by eta."""
    net, law = nets.SingleFilterNet.gate(1, leak=1.0), laws.Symmetrised([[1.0]])
    run = train(
        net, law, [0.0], adversary=adv.WithProbability(adv.Constant(1.0), 0.3), eta=0.5, steps=1, repeats=20_000, seed=0
    )
    hit = run.errors > 0
    assert abs(hit.mean() - 0.3) < 5 * np.sqrt(0.21 / 20_000)
    signs = train(net, law, [0.0], adversary=adv.RandomSign(1.0), eta=0.5, steps=1, repeats=20_000, seed=0).weights[
        :, 0
    ]
    assert set(np.unique(signs)) == {-0.5, 0.5} and abs(signs.mean()) < 5 * 0.5 / np.sqrt(20_000)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: adv.Constant(-0.1), r"^theta = -0.1 must be >= 0"),
        (lambda: adv.Greedy(np.nan), r"^theta = nan must be a finite number"),
        (lambda: adv.RandomSign("x"), r"^theta = 'x' must be a real number"),
        (lambda: adv.Impostor(3.0), r"^w_adv has shape \(\); it must have shape \(r,\)"),
        (lambda: adv.Impostor([np.nan]), r"^w_adv contains nan"),
        (lambda: adv.Impostor([1.0], theta=-1), r"^theta = -1.0 must be >= 0"),
        (lambda: adv.FixedLie([[1.0]], 0.1), r"^direction has shape \(1, 1\); it must have shape \(r,\)"),
        (lambda: adv.FixedLie([1.0], -0.1), r"^theta = -0.1 must be >= 0"),
        (lambda: adv.Compiled(lambda *a: 0.0, 0.1), r"^function = .* must be compiled: decorate it with numba.njit"),
        (lambda: adv.Compiled(own, -1.0), r"^theta = -1.0 must be >= 0"),
        (lambda: adv.WithProbability(adv.Greedy(0.1), 1.5), r"^probability = 1.5 must be >= 0 and <= 1"),
        (lambda: adv.WithProbability(adv.Greedy(0.1), np.nan), r"^probability = nan must be a finite number"),
        (lambda: adv.WithProbability(0.1, 0.5), r"^adversary = 0.1 must be one of the other adversaries"),
        (
            lambda: adv.WithProbability(adv.WithProbability(adv.NoAttack(), 0.5), 0.5),
            r"^adversary = .* must be one of the other",
        ),
    ],
)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()
