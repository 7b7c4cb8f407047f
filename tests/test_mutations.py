import numpy as np
import pytest

from robustnn_core.ledger import Ledger
from tests import mutations as m


def build(c=1.0):
    a = np.array([1.0, 2.0])
    return Ledger("t").leq("(1)", "x", a, c * a).eq("(2)", "y", a, c * a).eq("(2)", "z", 1.0, 1.0, by_construction=True)


def test_a_complete_catalogue_kills_every_row():
    rows = {"(1)": m.tighter(1.5), "(2)": m.spoilt("halved", lambda: build(0.5)), "(2) #2": m.BY_CONSTRUCTION}
    m.assert_complete({"t": (build, rows)})
    for row, how in rows.items():
        m.assert_killed("t", build, row, how)


def test_a_row_that_is_left_out_or_survives_is_found():
    with pytest.raises(AssertionError, match="in the catalogue"):
        m.assert_complete({"t": (build, {"(1)": m.tighter()})})
    with pytest.raises(AssertionError, match="survives"):
        m.assert_killed("t", build, "(1)", m.spoilt("looser", lambda: build(1.5)))
    with pytest.raises(AssertionError):
        m.assert_killed("t", build, "(1)", m.BY_CONSTRUCTION)
