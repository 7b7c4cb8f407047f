from robustnn_core import nets
from robustnn_core.convex import verify


def test_one_choice_of_lines_can_fall_below_the_interval_bound():
    """Why ``line`` tries two: below one agreeing unit with -lo < hi the line z alone is worse than 0."""
    net = nets.ReLUSum([[1.0]], [1])
    for method in verify.METHODS:
        assert verify.net_bounds(net, [[0.25]], [1], radius=1.0, method=method).low[0] > -1e-14
