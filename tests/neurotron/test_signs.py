"""The learner of signs: the kernel against the plain loops, what the theorem promises, and what it does not."""

import math

import numpy as np
import pytest

from neurotron import reference
from neurotron.test_training import bits
from robustnn_core import laws, nets, streams
from robustnn_core.neurotron import adversaries as adv
from robustnn_core.neurotron import constants, sign_schedule, train, train_sign

GATE, GAUSS = nets.SingleFilterNet.gate(2), laws.Gaussian(2)
NETS = {
    "gate": nets.SingleFilterNet.gate(3),
    "leaky gate": nets.SingleFilterNet.gate(3, leak=0.1),
    "linear gate": nets.SingleFilterNet.gate(3, leak=1.0),
    "one patch": nets.SingleFilterNet([[[1.0, 0, 2, 0], [0, 1, 0, -1], [0, 0, 1, 1]]]),
}
W_STAR = np.array([1.0, -0.5, 0.25])
ANSWERS = {
    "greedy": (adv.Greedy(50.0), lambda net: reference.greedy(50.0, W_STAR)),
    "random sign": (adv.RandomSign(0.3), lambda net: reference.random_sign(0.3)),
    "impostor": (adv.Impostor(W_STAR + 0.4), lambda net: reference.impostor(net.patches, net.leak, W_STAR + 0.4)),
}


def replay(net, law, answer, *, seed, repeats, steps, eta, decay, start, probability):
    """The weights of every repeat by the reference, (repeats, steps + 1, r)."""
    paths = []
    for state in streams.states(seed, 2 * repeats).reshape(repeats, 8):
        X, coins = np.empty((steps, law.n)), [int(word) for word in state[4:]]
        laws.draw_rows(*law._kernel_form(), state[:4], X)
        paths.append(
            reference.sign_repeat(net.patches[0], net.leak, W_STAR, start, X, eta, decay, answer, coins, probability)
        )
    return np.array(paths)


@pytest.mark.parametrize("probability", [0.3, 1.0])
@pytest.mark.parametrize("who", ANSWERS)
@pytest.mark.parametrize("which", NETS)
def test_kernel_against_the_loops(which, who, probability):
    net = NETS[which]
    law, (adversary, plain) = laws.Gaussian(net.patches.shape[2]), ANSWERS[who]
    shared = dict(seed=5, eta=0.3, decay=0.97, steps=75, repeats=3, start=np.array([0.5, 0.5, -1.0]))
    run = train_sign(net, law, W_STAR, adversary=adv.WithProbability(adversary, probability), records=7, **shared)
    paths = replay(net, law, plain(net), probability=probability, **shared)
    np.testing.assert_allclose(run.weights, paths[:, -1], rtol=1e-9, atol=1e-12)
    errors = np.linalg.norm(paths[:, run.trace.steps] - W_STAR, axis=2).T
    np.testing.assert_allclose(run.trace.errors, errors, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(run.errors, run.trace.errors[-1])


@pytest.mark.parametrize("adversary", [adv.NoAttack(), adv.WithProbability(adv.Constant(3.0), 0.5)])
def test_the_edge_of_the_gate(adversary):
    """Lattice inputs and steps of one: many inputs are at right angles to w, which starts at 0."""
    law = laws.Symmetrised([[1.0, 0, 1], [0, 1, -1], [0, 0, 2], [1, 1, 1], [0, 0, 0]])
    start, net = np.zeros(3), NETS["gate"]
    shared = dict(seed=3, eta=1.0, decay=1.0, steps=60, repeats=20)
    run = train_sign(net, law, W_STAR, adversary=adversary, **shared)
    plain = reference.constant(adversary.theta)
    paths = replay(net, law, plain, start=start, probability=adversary.probability, **shared)
    np.testing.assert_array_equal(run.weights, paths[:, -1])
    assert (np.abs(paths[:, 1:] - paths[:, :-1]).max(axis=2) > 0).any(axis=1).all()  # 0 is left


def test_without_the_edge_rule_zero_would_be_a_trap():
    run = train_sign(GATE, GAUSS, [1.0, 2.0], eta=0.1, decay=0.997, steps=5000, repeats=20, seed=0)
    assert (run.trace.errors[0] == math.sqrt(5)).all() and run.errors.max() < 1e-5


def test_same_bits_whatever_the_threads_repeats_and_records():
    def run(**options):
        options = {"repeats": 50, "threads": 1, **options}
        liar = adv.WithProbability(adv.Greedy(9.0), 0.4)
        return train_sign(GATE, GAUSS, [1.0, -1.0], adversary=liar, eta=0.1, decay=0.99, steps=90, seed=4, **options)

    one = run()
    assert bits(run(threads=2)) == bits(run(threads=3)) == bits(one)
    assert bits(run(records=2)) == bits(run(records=17)) == bits(run(records=1000)) == bits(one)
    np.testing.assert_array_equal(run(repeats=17).weights, one.weights[:17])


def test_a_lie_of_any_size_moves_the_weights_alike():
    """Beyond every label the size of a greedy lie says nothing: 1e2 and 1e300 are the same bits."""
    shared = dict(eta=0.1, decay=0.998, steps=300, repeats=20, seed=1)
    runs = [
        train_sign(GATE, GAUSS, [1.0, -1.0], adversary=adv.WithProbability(adv.Greedy(theta), 0.3), **shared)
        for theta in (1e2, 1e300)
    ]
    assert bits(runs[0]) == bits(runs[1])


def test_a_readers_own_liar_and_a_law_of_his_own():
    import numba

    @numba.njit
    def away(x, mx, w, w_star, clean, theta, coin):
        push = 0.0
        for j in range(len(w)):
            push += (w[j] - w_star[j]) * mx[j]
        return theta if push >= 0 else -theta

    shared = dict(eta=0.1, decay=0.99, steps=200, repeats=5, seed=1)
    one, two = (
        train_sign(GATE, GAUSS, [1.0, -1.0], adversary=adv.WithProbability(who, 0.3), **shared)
        for who in (adv.Greedy(50.0), adv.Compiled(away, 50.0))
    )
    assert one.errors.max() < 1.5 and two.errors.max() < 1.5  # the coins differ, as a Compiled one tosses its own
    law = laws.Custom(2, lambda rng, size: rng.laplace(size=(size, 2)), draws=1000)
    run = train_sign(GATE, law, [1.0, -1.0], adversary=adv.WithProbability(adv.Greedy(50.0), 0.2), **shared)
    assert run.errors.max() < 1.0


@pytest.mark.parametrize(
    "b, theta, median, neurotron", [(0.3, 50.0, 1.7e-7, 25.4), (0.1, 0.5, 7.8e-8, 0.092), (0.4, 50.0, 0.03, 33.7)]
)
def test_the_numbers_of_the_page(b, theta, median, neurotron):
    """n = 10, |w*| = 1, start -w*/2, 20,000 steps from .1 down to 1e-8, 200 runs; Neuro-Tron with the step .005."""
    n, steps = 10, 20_000
    w_star = np.full(n, n**-0.5)
    shared = dict(
        adversary=adv.WithProbability(adv.Greedy(theta), b), steps=steps, repeats=200, seed=0, start=-w_star / 2
    )
    net, law = nets.SingleFilterNet.gate(n), laws.Gaussian(n)
    run = train_sign(net, law, w_star, eta=0.1, decay=1e-7 ** (1 / steps), **shared)
    assert np.median(run.errors) == pytest.approx(median, rel=0.35 if b == 0.4 else 0.08)
    assert train(net, law, w_star, eta=0.005, **shared).rms == pytest.approx(neurotron, rel=0.03)
    # to 1e-7 instead: ten times the error where it has converged, as the floor eta B / a says
    slower = train_sign(net, law, w_star, eta=0.1, decay=1e-6 ** (1 / steps), **shared)
    assert np.median(slower.errors) < 0.1 * median if b == 0.4 else 5 * median < np.median(slower.errors) < 15 * median


def test_half_of_the_labels_win():
    """At b = 1/2 the mean square error grows by eta^2 B a step, exactly; at .45 it falls."""
    n, eta, steps = 4, 0.05, 2000
    w_star = np.array([2.0, 0, 0, 0])
    law, net = laws.Gaussian(n), nets.SingleFilterNet.gate(n)
    shared = dict(eta=eta, steps=steps, repeats=2000, seed=0, start=-w_star)
    half, less = (
        train_sign(net, law, w_star, adversary=adv.WithProbability(adv.Greedy(1e6), b), **shared) for b in (0.5, 0.4)
    )
    assert half.trace.mean_square[-1] == pytest.approx(16 + steps * eta**2 * n / 2, rel=0.05)
    assert less.rms < 2.0


# --- the theorem --------------------------------------------------------------------------------------


@pytest.mark.parametrize("leak", [0.0, 0.2])
@pytest.mark.parametrize("b", [0.0, 0.3, 0.45])
def test_the_schedule_against_stepping(b, leak):
    c = constants(nets.SingleFilterNet.gate(3, leak), laws.Gaussian(3, 2.0))
    s = sign_schedule(c, probability=b, delta=0.5, start=1.5)
    eta, T = reference.sign_plan(2 * math.sqrt(2 / math.pi), 12.0, leak, b, 0.5, 1.5)
    assert s.steps == T and s.eta == pytest.approx(eta, rel=1 / T) and s.epochs == 1
    assert s.steps == math.ceil((1 if leak == 0 else 0.5) * 4 * math.pi * 3 / ((1 - 2 * b) ** 2 * 0.5**2))


def test_epochs():
    c = constants(GATE, GAUSS)
    one = sign_schedule(c, probability=0.1, delta=0.05, start=2.0)
    four = sign_schedule(c, probability=0.1, delta=0.2, start=2.0, eps=0.125)
    assert (four.epochs, four.steps, four.eta) == (4, one.steps, one.eta) and one.etas == (one.eta,)
    assert four.etas == (one.eta, one.eta / 2, one.eta / 4, one.eta / 8)
    assert sign_schedule(c, probability=0.1, delta=0.2, start=2.0, eps=0.124).epochs == 5


@pytest.mark.parametrize("law", [laws.Gaussian(3), laws.Cube(3), laws.Symmetrised(np.diag([1.0, 2.0, 0.5]))])
def test_a_random_iterate_of_every_epoch_halves_the_error(law):
    """Two epochs as the theorem runs them, against the greedy liar: the failures stay below delta."""
    net, w_star, delta, R = nets.SingleFilterNet.gate(3), np.array([1.0, 0, -1]), 0.5, 2.0
    s = sign_schedule(constants(net, law), probability=0.2, delta=delta, start=R, eps=R / 4)
    liar, weights, rng = adv.WithProbability(adv.Greedy(1e9), 0.2), np.zeros((200, 3)), np.random.default_rng(0)
    for k, eta in enumerate(s.etas):
        for group in range(20):  # of ten runs that end together
            rows = slice(10 * group, 10 * group + 10)
            run = train_sign(
                net,
                law,
                w_star,
                adversary=liar,
                eta=eta,
                steps=int(rng.integers(s.steps)),
                repeats=10,
                seed=(k, group),
                start=weights[rows],
            )
            weights[rows] = run.weights
    failed = np.linalg.norm(weights - w_star, axis=1) > R / 4
    assert failed.mean() <= delta and not failed.all()


# --- bad input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change, message",
    [
        ({"net": nets.SingleFilterNet.convolution(2, 1)}, "^net has 2 patches; .* give one patch"),
        ({"net": nets.SingleFilterNet.gate(2, -0.1)}, "^net.leak = -0.1 must be >= 0"),
        ({"net": nets.SingleFilterNet.gate(2, 1.5)}, "^net.leak = 1.5 must be .*<= 1"),
        ({"net": 3}, "^net = 3 must be a nets.SingleFilterNet"),
        ({"law": laws.Gaussian(3)}, "^law has dimension n = 3"),
        ({"w_star": [1.0]}, r"^w_star has shape \(1,\)"),
        ({"adversary": 0.3}, "^adversary = 0.3 must be one of"),
        ({"eta": 0}, "^eta = 0.0 must be > 0"),
        ({"decay": 0}, "^decay = 0.0 must be > 0"),
        ({"decay": 1.01}, "^decay = 1.01 must be .*<= 1"),
        ({"decay": math.nan}, "^decay = nan must be a finite number"),
        ({"steps": -1}, "^steps = -1.* must be >= 0"),
        ({"start": [1.0]}, r"^start has shape \(1,\)"),
        ({"adversary": adv.Impostor([5.0, 0.0], theta=0.01), "steps": 50}, r"^adversary = .* answered with \|xi\|"),
    ],
)
def test_bad_input(change, message):
    given = {"net": GATE, "law": GAUSS, "w_star": [1.0, 0.0], "eta": 0.1, "steps": 3, "seed": 0, **change}
    with pytest.raises(ValueError, match=message):
        train_sign(given.pop("net"), given.pop("law"), given.pop("w_star"), **given)


def cauchy(rng, size):
    return rng.standard_cauchy(size=(size, 2))


@pytest.mark.parametrize(
    "change, message",
    [
        ({"c": 3}, "^constants = 3 must be what"),
        ({"c": constants(nets.SingleFilterNet.gate(2, -0.5), GAUSS)}, "^constants.leak = -0.5 must be >= 0"),
        ({"c": constants(GATE, laws.Custom(2, cauchy))}, r"^constants.V = .* no finite E\|x\|\^2 is in sight"),
        ({"c": constants(GATE, laws.Symmetrised([[1.0, 2.0]]))}, "^constants.least = 0 must be > 0: .* never move"),
        ({"probability": 0.5}, "^probability = 0.5 must be .*< 0.5.*never outvoted"),
        ({"probability": -0.1}, "^probability = -0.1 must be >= 0"),
        ({"probability": math.nan}, "^probability = nan"),
        ({"delta": 0.0}, "^delta = 0.0 must be > 0"),
        ({"delta": 1.0}, "^delta = 1.0 must be .*< 1"),
        ({"start": 0.0}, "^start = 0.0 must be > 0"),
        ({"eps": 1.0}, "^eps = 1.0 must be .*< 1"),
    ],
)
def test_bad_schedules(change, message):
    given = {"c": constants(GATE, GAUSS), "probability": 0.2, "delta": 0.1, "start": 1.0, **change}
    with pytest.raises(ValueError, match=message):
        sign_schedule(given.pop("c"), **given)


def test_no_symmetry_no_law():
    with pytest.raises(ValueError, match="^sampler is not parity symmetric"):
        laws.Custom(2, lambda rng, size: rng.exponential(size=(size, 2)))
