"""The frozen results of :mod:`tests.regression.cases`: what a rewrite of an engine must not change."""

import json

import numpy as np
import pytest

from tests.regression import cases

FROZEN = json.loads(cases.PATH.read_text())
RUNS = cases.cases()


def tolerance(name):
    """Relative: another BLAS changes last bits, which an interior point magnifies, the robust one most."""
    if name.startswith("robust"):
        return 1e-5
    return 1e-9 if name.split()[0] in ("fit", "sampled", "refine", "reduce") else 1e-12


def test_every_case_is_frozen():
    assert list(FROZEN) == list(RUNS)


@pytest.mark.parametrize("name", RUNS)
def test_as_frozen(name):
    found, frozen, room = RUNS[name](), FROZEN[name], tolerance(name)
    assert found.keys() == frozen.keys()
    for key, value in found.items():
        wider = 100.0 if key == "predictions" and room > 1e-12 else 1.0
        np.testing.assert_allclose(
            value, frozen[key], rtol=room, atol=wider * room * np.abs(frozen[key]).max(), err_msg=f"{name}: {key}"
        )
    if "lower_bound" in found:  # whatever the path: two brackets of one optimum overlap
        rounding = 1e-12 * abs(frozen["objective"])
        assert found["lower_bound"] <= frozen["objective"] + rounding
        assert frozen["lower_bound"] <= found["objective"] + rounding
