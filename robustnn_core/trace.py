"""What an iterative function recorded on its way, one row a step."""

import numpy as np

__all__ = ["Trace"]


class Trace:
    """Columns of equal length, read-only, by name: ``fit.trace.objective``.

    Parameters
    ----------
    **columns : array_like, shape (T, ...)
        One entry a step.

    Raises
    ------
    ValueError
        Columns of different lengths, or none.

    Examples
    --------
    >>> from robustnn_core.trace import Trace
    >>> trace = Trace(seconds=[0.0, 0.1], objective=[3.0, 2.0])
    >>> len(trace), trace.names, trace.objective[-1].item()
    (2, ('seconds', 'objective'), 2.0)
    >>> trace
    Trace of 2 steps; the last: seconds 0.1, objective 2
    """

    def __init__(self, **columns):
        if not columns:
            raise ValueError("a Trace needs at least one column")
        made = {name: np.array(column) for name, column in columns.items()}
        lengths = {name: len(column) for name, column in made.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"the columns of a Trace have lengths {lengths}; give one entry a step in each")
        for column in made.values():
            column.flags.writeable = False
        vars(self).update(made)

    @property
    def names(self):
        """Names of the columns."""
        return tuple(vars(self))

    def __len__(self):
        return len(next(iter(vars(self).values())))

    def __setattr__(self, name, value):
        raise AttributeError(f"a Trace is frozen; {name} cannot be set")

    def __repr__(self):
        if not len(self):
            return f"Trace of 0 steps ({', '.join(self.names)})"
        last = ", ".join(f"{name} {column[-1]:.6g}" for name, column in vars(self).items() if column.ndim == 1)
        return f"Trace of {len(self)} steps; the last: {last}"
