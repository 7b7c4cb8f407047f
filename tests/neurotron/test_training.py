"""The compiled kernel against the plain loops of reference.py, on the very inputs and coins it used."""

import numpy as np
import pytest

from robustnn_core import ConvergenceWarning, laws, nets, streams
from robustnn_core.neurotron import _kernel, train
from robustnn_core.neurotron import adversaries as adv
from tests.neurotron import reference

rng = np.random.default_rng(7)
THETA, ETA, STEPS = 0.3, 0.02, 75
NETS = {
    "gate": nets.SingleFilterNet.gate(3),
    "leaky gate": nets.SingleFilterNet.gate(3, leak=0.1),
    "linear gate": nets.SingleFilterNet.gate(3, leak=1.0),
    "convolution": nets.SingleFilterNet.convolution(5, 3, leak=0.1),
    "image": nets.SingleFilterNet.convolution((4, 3), (2, 2), 2),
    "dense": nets.SingleFilterNet(rng.normal(size=(3, 2, 4)), leak=-0.5),
    "rows of mixed width": nets.SingleFilterNet([[[1, 0, 0], [0, 2, -1]], [[0, 0, 0], [1, 1, 1]]], leak=0.1),
}
ANSWERS = {
    "none": (lambda net, w: adv.NoAttack(), lambda net, w: reference.no_attack),
    "constant": (lambda net, w: adv.Constant(THETA), lambda net, w: reference.constant(THETA)),
    "random sign": (lambda net, w: adv.RandomSign(THETA), lambda net, w: reference.random_sign(THETA)),
    "greedy": (lambda net, w: adv.Greedy(THETA), lambda net, w: reference.greedy(THETA, w)),
    "fixed lie": (lambda net, w: adv.FixedLie(w + 0.1, THETA), lambda net, w: reference.fixed_lie(THETA, w + 0.1)),
    "impostor": (
        lambda net, w: adv.Impostor(w + 0.4),
        lambda net, w: reference.impostor(net.patches, net.leak, w + 0.4),
    ),
}


def laplace(rng, size):
    return rng.laplace(size=(size, 3))


def composite(rng, size):
    """Two draws a call: cut elsewhere, the same generator would give other inputs."""
    return rng.choice([-1.0, 1.0], size=(size, 1)) * rng.exponential(size=(size, 3))


def law_of(kind, n):
    return {
        "gaussian": lambda: laws.Gaussian(n, 1.3),
        "cube": lambda: laws.Cube(n, 1.5),
        "sphere": lambda: laws.Sphere(n, 2.0),
        "rows": lambda: laws.Symmetrised(np.random.default_rng(n).normal(size=(11, n))),
    }[kind]()


def replay(net, law, w_star, answer, *, seed, repeats, steps=STEPS, M=None, start=None, probability=1.0):
    """Every weight of every repeat by the reference, (repeats, steps + 1, r)."""
    M = net.mean_patch if M is None else M
    start = np.zeros_like(w_star) if start is None else start
    paths = []
    for i, state in enumerate(streams.states(seed, 2 * repeats).reshape(repeats, 8)):
        if isinstance(law, laws.Custom):
            block = max(16, 1024 // law.n)
            own = streams.generator(streams.spawn(seed, repeats)[i])
            X = np.concatenate([law.sample(own, block) for _ in range(-(-steps // block))])[:steps]
        else:
            X = np.empty((steps, law.n))
            laws.draw_rows(*law._kernel_form(), state[:4], X)
        coins = [int(word) for word in state[4:]]
        paths.append(reference.one_repeat(net.patches, net.leak, M, w_star, start, X, ETA, answer, coins, probability))
    return np.array(paths)


def agree(run, paths, w_star):
    np.testing.assert_allclose(run.weights, paths[:, -1], rtol=1e-9, atol=1e-12)
    errors = np.linalg.norm(paths[:, run.trace.steps] - w_star, axis=2).T
    np.testing.assert_allclose(run.trace.errors, errors, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(run.errors, run.trace.errors[-1])


# --- kernel = reference -------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ANSWERS)
@pytest.mark.parametrize("which", NETS)
def test_every_net_against_every_adversary(which, who):
    net = NETS[which]
    w_star = np.linspace(-0.5, 1.0, net.mean_patch.shape[0])
    law = law_of("gaussian", net.patches.shape[2])
    make, plain = ANSWERS[who]
    run = train(net, law, w_star, adversary=make(net, w_star), eta=ETA, steps=STEPS, repeats=3, seed=5, records=7)
    agree(run, replay(net, law, w_star, plain(net, w_star), seed=5, repeats=3), w_star)


@pytest.mark.parametrize("kind", ["gaussian", "cube", "sphere", "rows"])
@pytest.mark.parametrize("which", ["leaky gate", "dense"])
def test_every_law(kind, which):
    net = NETS[which]
    w_star = np.linspace(-0.5, 1.0, net.mean_patch.shape[0])
    law = law_of(kind, net.patches.shape[2])
    run = train(net, law, w_star, adversary=adv.Greedy(THETA), eta=ETA, steps=STEPS, repeats=2, seed=6)
    agree(run, replay(net, law, w_star, reference.greedy(THETA, w_star), seed=6, repeats=2), w_star)


@pytest.mark.parametrize("sampler", [laplace, composite])
def test_a_law_of_the_readers_own(sampler):
    law, net = laws.Custom(3, sampler, draws=1000), NETS["leaky gate"]
    w_star = np.array([1.0, -1.0, 0.5])
    run = train(net, law, w_star, adversary=adv.RandomSign(THETA), eta=ETA, steps=400, repeats=2, seed=8)
    agree(run, replay(net, law, w_star, reference.random_sign(THETA), seed=8, repeats=2, steps=400), w_star)


def test_one_row_leaves_nothing_but_signs():
    """A law with one row: the inputs are known but for their signs, which an even net cannot see."""
    x, w_star = np.array([1.0, 2.0]), np.array([0.5, 0.25])
    run = train(nets.SingleFilterNet.gate(2, leak=1.0), laws.Symmetrised([x]), w_star, eta=0.1, steps=3, seed=0)
    w = np.zeros(2)
    for _ in range(3):
        w = w + 0.1 * ((w_star - w) @ x) * x
    np.testing.assert_allclose(run.weights[0], w, rtol=1e-13)


@pytest.mark.parametrize("who", ["greedy", "random sign", "impostor"])
def test_attacks_with_a_probability(who):
    net, w_star = NETS["leaky gate"], np.array([1.0, -0.5, 0.25])
    law = law_of("gaussian", 3)
    make, plain = ANSWERS[who]
    adversary = adv.WithProbability(make(net, w_star), 0.3)
    run = train(net, law, w_star, adversary=adversary, eta=ETA, steps=STEPS, repeats=4, seed=2)
    agree(run, replay(net, law, w_star, plain(net, w_star), seed=2, repeats=4, probability=0.3), w_star)


@pytest.mark.parametrize("M", [np.array([[1.0, 0.0, 0.0], [3.0, 1.0, 0.0], [0.0, 0.5, 2.0]]), np.diag([1.0, 2.0, 0.5])])
def test_any_m_and_any_start(M):
    net, w_star, start = NETS["leaky gate"], np.array([1.0, -0.5, 0.25]), np.array([2.0, 2.0, -1.0])
    law = law_of("gaussian", 3)
    run = train(
        net, law, w_star, adversary=adv.Greedy(THETA), eta=ETA, steps=STEPS, repeats=2, seed=3, M=M, start=start
    )
    agree(
        run,
        replay(net, law, w_star, reference.greedy(THETA, w_star), seed=3, repeats=2, M=M, start=start),
        w_star,
    )
    starts = np.stack([start, start, -start])
    many = train(
        net, law, w_star, adversary=adv.Greedy(THETA), eta=ETA, steps=STEPS, repeats=3, seed=3, M=M, start=starts
    )
    np.testing.assert_array_equal(many.weights[:2], run.weights)
    assert starts[2].tolist() == [-2.0, -2.0, 1.0]  # the caller's array is left alone


# --- same bits ----------------------------------------------------------------------------------------


def bits(run):
    return run.weights.tobytes(), run.errors.tobytes(), run.trace.errors[[0, -1]].tobytes()


@pytest.mark.parametrize("kind", ["gaussian", "rows", "custom"])
@pytest.mark.parametrize(
    "adversary", [adv.Greedy(0.1), adv.WithProbability(adv.RandomSign(0.1), 0.5)], ids=["greedy", "coins"]
)
def test_same_bits_whatever_the_threads_repeats_and_records(kind, adversary):
    law = laws.Custom(3, composite, draws=1000) if kind == "custom" else law_of(kind, 3)
    w_star = [1.0, 0.0, -1.0]

    def run(**options):
        options = {"repeats": 50, "threads": 1, **options}
        return train(
            nets.SingleFilterNet.gate(3), law, w_star, adversary=adversary, eta=0.02, steps=90, seed=4, **options
        )

    one = run()
    assert bits(run(threads=2)) == bits(run(threads=3)) == bits(run(threads=64)) == bits(one)
    assert bits(run(records=2)) == bits(run(records=17)) == bits(run(records=1000)) == bits(one)
    for few in (1, 5, 16, 17, 33):
        np.testing.assert_array_equal(run(repeats=few).weights, one.weights[:few])
    longer = train(
        nets.SingleFilterNet.gate(3),
        law,
        w_star,
        adversary=adversary,
        eta=0.02,
        steps=180,
        repeats=50,
        seed=4,
        records=181,
    )
    np.testing.assert_array_equal(longer.trace.errors[90], one.errors)


def test_seeds_differ_and_repeats_differ():
    net, law = nets.SingleFilterNet.gate(2), laws.Gaussian(2)
    one = train(net, law, [1, 0], eta=0.05, steps=20, repeats=40, seed=(0, 1))
    two = train(net, law, [1, 0], eta=0.05, steps=20, repeats=40, seed=(0, 2))
    assert len(np.unique(np.concatenate([one.errors, two.errors]))) == 80


def test_a_generator_is_a_seed():
    for law in (laws.Gaussian(3), laws.Custom(3, composite, draws=1000)):
        options = {"eta": 0.05, "steps": 20, "repeats": 3}
        one, two = (train(NETS["gate"], law, [1, 0, 0], seed=np.random.default_rng(1), **options) for _ in range(2))
        assert bits(one) == bits(two)
    rng = np.random.default_rng(1)
    same, other = (train(NETS["gate"], law, [1, 0, 0], seed=rng, **options) for _ in range(2))
    assert bits(same) == bits(one) != bits(other)


def test_records():
    net, law = nets.SingleFilterNet.gate(2), laws.Gaussian(2)
    run = train(net, law, [3.0, 4.0], eta=0.05, steps=100, repeats=2, seed=0, records=5)
    assert run.trace.steps.tolist() == [0, 25, 50, 75, 100] and run.steps == 100
    assert run.trace.errors[0].tolist() == [5.0, 5.0]
    np.testing.assert_allclose(run.trace.mean_square, (run.trace.errors**2).mean(axis=1))
    np.testing.assert_allclose(run.trace.rms**2, run.trace.mean_square)
    np.testing.assert_allclose(run.trace.quantile(0.5), np.median(run.trace.errors, axis=1))
    assert run.rms == pytest.approx(np.sqrt(np.mean(run.errors**2)))
    still = train(net, law, [3.0, 4.0], eta=0.05, steps=0, repeats=2, seed=0)
    assert still.trace.steps.tolist() == [0] and still.errors.tolist() == [5.0, 5.0]
    assert train(net, law, [3.0, 4.0], eta=0.05, steps=3, seed=0, records=60).trace.steps.tolist() == [0, 1, 2, 3]


def test_scaling_the_inputs_by_two_changes_no_bit():
    """x -> 2x, theta -> 2 theta, eta -> eta/4 is the same learner: powers of two are exact."""
    net, w_star = nets.SingleFilterNet.gate(3, 0.1), [1.0, -1.0, 0.5]
    one = train(net, laws.Gaussian(3, 1.0), w_star, adversary=adv.Greedy(0.1), eta=0.04, steps=100, repeats=9, seed=1)
    two = train(net, laws.Gaussian(3, 2.0), w_star, adversary=adv.Greedy(0.2), eta=0.01, steps=100, repeats=9, seed=1)
    np.testing.assert_array_equal(one.trace.errors, two.trace.errors)
    # and so is theta -> 2 theta with every filter doubled
    two = train(
        net,
        laws.Gaussian(3, 1.0),
        np.array(w_star) * 2,
        adversary=adv.Greedy(0.2),
        eta=0.04,
        steps=100,
        repeats=9,
        seed=1,
    )
    np.testing.assert_array_equal(2 * one.trace.errors, two.trace.errors)


@pytest.mark.parametrize("eta, steps", [(5.0, 2000), (10.0, 2000), (1e300, 20)])
def test_divergence_is_reported_once_with_the_remedy(eta, steps):
    net, law = nets.SingleFilterNet.gate(3), laws.Gaussian(3)
    message = (
        r"^neurotron.train stopped short: 3 of 3 repeats diverged, by update \d+, wanted finite weights; lower eta = "
    )
    with pytest.warns(ConvergenceWarning, match=message) as caught:
        run = train(net, law, [1, 0, 0], eta=eta, steps=steps, repeats=3, seed=0)
    assert len(caught) == 1 and caught[0].filename == __file__
    assert run.diverged.all() and run.steps == steps
    assert not np.isfinite(run.rms)
    assert run.trace.rms[0] == 1.0 and not np.isfinite(run.trace.mean_square[-1])


def test_only_the_repeats_that_diverged_are_named():
    net, law = nets.SingleFilterNet.gate(1, leak=1.0), laws.Cube(1)
    with pytest.warns(ConvergenceWarning, match="1 of 2 repeats diverged, by update 0,"):
        run = train(net, law, [0.0], eta=0.5, steps=0, repeats=2, seed=0, start=[[1.0], [1e200]])
    assert run.diverged.tolist() == [False, True]
    assert not train(net, law, [0.0], eta=0.5, steps=50, repeats=2, seed=0).diverged.any()


# --- interrupts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2])
def test_an_interrupt_keeps_what_is_done(monkeypatch, threads):
    net, law, kernel, calls = nets.SingleFilterNet.gate(2), laws.Gaussian(2), _kernel.advance, []

    def tired(*args):
        calls.append(1)
        if len(calls) > 5:
            kernel(*args)  # some repeats are already further than others
            raise KeyboardInterrupt
        return kernel(*args)

    options = {"eta": 0.1, "seed": 0, "repeats": 20 * threads, "threads": threads}
    monkeypatch.setattr(_kernel, "advance", tired)
    with pytest.warns(RuntimeWarning, match=r"interrupted after \d+ of 100 updates"):
        run = train(net, law, [1, 0], steps=100, records=11, **options)
    monkeypatch.undo()
    assert 0 < run.steps < 100 and run.trace.steps[-1] == run.steps and len(run.trace.errors) == len(run.trace.steps)
    shorter = train(net, law, [1, 0], steps=run.steps, **options)
    np.testing.assert_array_equal(run.weights, shorter.weights)
    np.testing.assert_array_equal(run.errors, shorter.errors)


# --- bad input ----------------------------------------------------------------------------------------

GATE, GAUSS = nets.SingleFilterNet.gate(2), laws.Gaussian(2)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"net": np.eye(2)}, r"(?s)^net = .* must be a nets.SingleFilterNet"),
        ({"law": 3}, r"^law = 3 must be one of the laws of robustnn_core.laws"),
        ({"law": laws.Gaussian(3)}, r"^law has dimension n = 3, but the patches of net see n = 2"),
        ({"w_star": [1.0]}, r"^w_star has shape \(1,\); it must have shape \(2,\)"),
        ({"w_star": [1.0, np.nan]}, r"^w_star contains nan at index \(1,\); remove"),
        ({"adversary": 0.1}, r"^adversary = 0.1 must be one of neurotron.adversaries"),
        ({"adversary": adv.Greedy}, r"^adversary = .* must be one of neurotron.adversaries"),
        ({"adversary": adv.Impostor([1.0])}, r"^adversary.w_adv has shape \(1,\); it must have shape \(2,\)"),
        ({"adversary": adv.FixedLie([1.0], 0.1)}, r"^adversary.w_adv has shape \(1,\); it must have shape \(2,\)"),
        ({"eta": 0}, r"^eta = 0.0 must be > 0"),
        ({"eta": -0.1}, r"^eta = -0.1 must be > 0"),
        ({"eta": np.nan}, r"^eta = nan must be a finite number"),
        ({"steps": -1}, r"^steps = -1.* must be >= 0"),
        ({"steps": 10.0}, r"^steps = 10.0 must be an integer"),
        ({"repeats": 0}, r"^repeats = 0.* must be >= 1"),
        ({"records": 1}, r"^records = 1.* must be >= 2"),
        ({"threads": 0}, r"^threads = 0.* must be >= 1"),
        ({"seed": None}, r"^seed = None must be an integer"),
        ({"seed": -3}, r"^seed = -3.* must be >= 0; give a non-negative integer"),
        ({"M": np.zeros((2, 2))}, r"^M is 0, so the weights would never move; give the mean patch"),
        ({"M": np.eye(3)}, r"^M has shape \(3, 3\); it must have shape \(2, 2\)"),
        ({"M": [[1.0, np.inf], [0, 1]]}, r"^M contains inf at index \(0, 1\)"),
        ({"start": [1.0]}, r"^start has shape \(1,\); it must have shape \(2,\)"),
        ({"start": np.zeros((3, 2)), "repeats": 2}, r"^start has shape \(3, 2\); it must have shape \(2, 2\)"),
        ({"start": [np.nan, 0]}, r"^start contains nan"),
    ],
)
def test_bad_input(change, message):
    given = {"net": GATE, "law": GAUSS, "w_star": [1.0, 0.0], "eta": 0.1, "steps": 3, "seed": 0, **change}
    with pytest.raises(ValueError, match=message):
        train(given.pop("net"), given.pop("law"), given.pop("w_star"), **given)


@pytest.mark.parametrize("missing", ["eta", "steps", "seed"])
def test_nothing_important_has_a_default(missing):
    given = {"eta": 0.1, "steps": 3, "seed": 0}
    del given[missing]
    with pytest.raises(TypeError, match=missing):
        train(GATE, GAUSS, [1.0, 0.0], **given)


def test_a_sampler_that_breaks_later_is_caught():
    state = {"calls": 0}

    def sampler(rng, size):
        state["calls"] += 1
        return rng.normal(size=(size, 2)) * (np.nan if state["calls"] > 1 else 1.0)

    law = laws.Custom(2, sampler, draws=1000)
    with pytest.raises(ValueError, match=r"^sampler\(rng, size\) contains nan"):
        train(GATE, law, [1.0, 0.0], eta=0.1, steps=3, seed=0)
