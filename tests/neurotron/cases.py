"""What several test files of this wing start from: gates, random problems, what every function refuses."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import assume
from hypothesis import strategies as st

from robustnn_core import laws, nets
from robustnn_core.neurotron import theory

GATE2 = theory.constants(nets.SingleFilterNet.gate(2), laws.Gaussian(2, 4.0))  # regime E1  # regime E1
GATE10 = theory.constants(nets.SingleFilterNet.gate(10), laws.Gaussian(10, 1.0))  # regime E2  # regime E2
LEAKS = st.floats(-0.9, 2.0)


def gate(n, sigma=1.0, leak=0.0):
    return theory.constants(nets.SingleFilterNet.gate(n, leak), laws.Gaussian(n, sigma))


@st.composite
def problems(draw, leaks=LEAKS, with_m=True):
    """A random net, a random finite law and a random M with lam1 > 0."""
    seed = draw(st.integers(0, 10**6))
    rng = np.random.default_rng(seed)
    k, r, extra = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(0, 2))
    n = r + extra
    net = nets.SingleFilterNet(rng.normal(size=(k, r, n)), draw(leaks))
    law = laws.Symmetrised(rng.normal(size=(draw(st.integers(n, 8)), n)) * draw(st.sampled_from([0.1, 1.0, 7.0])))
    M = net.mean_patch + draw(st.floats(0, 0.5)) * rng.normal(size=(r, n)) if with_m else net.mean_patch
    c = theory.constants(net, law, M)
    assume(c.lam1 > 1e-3 * c.lam2 * c.m[1])
    return net, law, M, c


def margin(errors):
    """Five standard errors of the mean square."""
    return 5 * (errors**2).std(axis=1) / math.sqrt(errors.shape[1])


def assert_refuses(function, good):
    """``function(c, **good)`` runs, and with anything else in the place of an argument it says which one."""
    function(GATE2, **good)
    with pytest.raises(ValueError, match=r"^c = 3 must be what constants\(net, law, M\) returns"):
        function(3, **good)
    for lam1 in (0.0, -1.0):
        with pytest.raises(ValueError, match=rf"^c.lam1 = {lam1:.4g} must be > 0: .* best_m\(net, law\)"):
            function(dataclasses.replace(GATE2, lam1=lam1, a=lam1), **good)
    with pytest.raises(ValueError, match=r"^c.leak = -1.0 must be > -1"):
        function(dataclasses.replace(GATE2, leak=-1.0), **good)
    for argument in good:
        with pytest.raises(ValueError, match=rf"^{argument} = (nan|nan.*) must be"):
            function(GATE2, **{**good, argument: math.nan})
        with pytest.raises(ValueError, match=rf"^{argument} = -1.* must be >"):
            function(GATE2, **{**good, argument: -1 if argument == "steps" else -1.0})
        with pytest.raises(ValueError, match=rf"^{argument} = '1' must be"):
            function(GATE2, **{**good, argument: "1"})
