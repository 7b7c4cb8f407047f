"""Explorers of pre-drawn frames."""

import numpy as np

from robustnn_core import figures, sweeps
from robustnn_core.explorers.widget import Explorer, check_texts, combinations, control_list, flat_index

__all__ = ["frames"]

MAX_FRAMES = 300


def frames(draw, controls, *, title, alt, progress=None):
    """Return an interactive figure of pre-drawn frames.

    Parameters
    ----------
    draw : callable
        ``draw(**values)`` returns a matplotlib figure (of :func:`figures.subplots`); called once for
        each combination of the controls. Keep the axis limits fixed, so that frames can be compared.
    controls : dict of name -> values, or sequence of Control
        The first control is listed first; a dict may also map to :class:`Control`.
    title : str
        Heading of the figure.
    alt : str or callable
        What the picture shows; ``alt(**values)`` may say it for each frame. The values of the controls
        are added.
    progress : bool, optional
        See :func:`sweeps.progress`.

    Returns
    -------
    Explorer

    Raises
    ------
    ValueError
        No controls, more than 300 combinations, something that is not a figure.

    Examples
    --------
    >>> from robustnn_core import explorers, figures
    >>> def draw(power):
    ...     fig, ax = figures.subplots(width="narrow")
    ...     _ = ax.plot([0, 0.5, 1], [0, 0.5**power, 1])
    ...     return fig
    >>> explorer = explorers.frames(draw, {"power": [1, 2]}, title="Powers", alt="A curve from (0, 0) to (1, 1).")
    >>> explorer.choose(power=2).values
    {'power': 2}
    """
    check_texts(title=title)
    controls = control_list(controls)
    every = combinations(controls, MAX_FRAMES)
    start = flat_index([c.start for c in controls], controls)
    alts, drawings, index, png, width = [], {}, [], None, 0
    for i, values in enumerate(sweeps.progress(every, label=title, show=progress)):
        alts.append(figures.checked_alt(alt(**values) if callable(alt) else alt))
        with figures.style():
            fig = draw(**values)
            if not hasattr(fig, "savefig"):
                raise ValueError(f"draw returned {type(fig).__name__} for {values}; return the matplotlib Figure")
            width = max(width, figures.pixels(fig))
            drawing = figures.svg(fig, alt=title).encode()
            png = figures.png(fig) if i == start else png
        figures.close(fig)
        index.append(drawings.setdefault(drawing, len(drawings)))
    spec = {
        "title": title,
        "alt": alts if callable(alt) else alts[0],
        "lengths": [len(d) for d in drawings],
        "width": width,
    }
    blobs = {"frames": b"".join(drawings), "index": np.array(index, np.uint32)}
    return Explorer("frames", spec, blobs, controls, lambda: png)
