"""The same curve on a real Dask cluster: whatever the executor, the same numbers."""

import numpy as np
import pytest

from robustnn_core.breakdown import LinearProblem, attacks, breakdown_curve


@pytest.mark.filterwarnings("ignore:::distributed")
def test_a_curve_on_a_dask_cluster_is_the_serial_curve():
    distributed = pytest.importorskip("distributed", reason="the optional extra 'dask' is not installed")
    case = dict(fractions=[0.1, 0.3], trials=3, seed=5)
    serial = breakdown_curve("torrent", LinearProblem(60, 3), attacks.Impostor(), **case)
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        spread = breakdown_curve(
            "torrent", LinearProblem(60, 3), attacks.Impostor(), executor=client.get_executor(), **case
        )
    assert np.array_equal(serial.errors, spread.errors)
