"""Explorers of curves, drawn in the browser from arrays."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from robustnn_core import checks, figures, sweeps
from robustnn_core.explorers.packing import Rows
from robustnn_core.explorers.widget import Explorer, check_texts, combinations, control_list, flat_index

__all__ = ["Series", "curves"]

MAX_COMBINATIONS = 100_000

_FORMAT = re.compile(r"d|\.\d+[gfe%]")


@dataclass(frozen=True)
class Series:
    """How one entry of what ``compute`` returns is drawn and read out.

    Parameters
    ----------
    name : str
        Its key in the dict that ``compute`` returns.
    label : str, optional
        Default the name.
    style : {"line", "points", "bound"}
        A bound is dashed in the colour of the text and carries its label on the line where it is constant.
    plot : bool
        ``False``: not drawn, only read out at the cursor.
    readout : bool
        ``False``: not read out at the cursor.
    format : str
        Of the readout: ``".3g"``, ``".2f"``, ``".1e"``, ``".0%"`` or ``"d"``.
    unit : str
    band : (str, str), optional
        Keys of the lower and upper edge of a shaded band around the line.
    """

    name: str
    label: str = None
    style: str = "line"
    plot: bool = True
    readout: bool = True
    format: str = ".3g"
    unit: str = ""
    band: tuple = None

    def __post_init__(self):
        checks.choice(self.style, f"style of series {self.name!r}", ("line", "points", "bound"))
        object.__setattr__(self, "label", self.name if self.label is None else self.label)
        if not isinstance(self.format, str) or not _FORMAT.fullmatch(self.format):
            raise ValueError(
                f"format = {self.format!r} of series {self.name!r} must be like '.3g', '.2f', '.1e', '.0%' or 'd'"
            )
        if self.band is not None and len(self.band) != 2:
            raise ValueError(f"band = {self.band!r} of series {self.name!r} must name two keys, lower and upper edge")

    @property
    def digits(self):
        """Significant digits to store, or None for all of float32."""
        return max(5, int(self.format[1:-1]) + 2) if self.format[-1] in "ge" else None


def curves(
    compute,
    controls,
    *,
    x,
    series,
    title,
    alt,
    x_label,
    y_label,
    x_scale="linear",
    y_scale="linear",
    y_range="all",
    cursor=None,
    cursor_at=None,
    x_format=".3g",
    message=None,
    height=320,
    progress=None,
):
    """Return an interactive figure of curves, drawn in the browser from arrays.

    Parameters
    ----------
    compute : callable
        ``compute(**values)`` returns a dict of arrays over x, one for each series (a number stands for
        a constant); called once for each combination of the controls. NaN makes a gap.
    controls : dict of name -> values, or sequence of Control
    x : array_like, shape (N,), or str
        The abscissae, or their key in what ``compute`` returns if they change with the controls.
    series : sequence of Series or str
        What is drawn and read out, in this order.
    title, alt : str
        Heading; what the picture shows, in words (the values of the controls are added).
    x_label, y_label : str
        Of the axes, with units.
    x_scale, y_scale : {"linear", "log"}
    y_range : {"all", "each"} or (low, high)
        One range for all combinations, one for each, or a fixed one.
    cursor : str, optional
        Adds a slider of this label that runs along x and reads every series out there.
    cursor_at : float, optional
        Where it starts (the nearest x); default the middle.
    x_format : str
        How the cursor's place is written, as in :class:`Series`.
    message : callable, optional
        ``message(**values)`` returns a text to show with this combination (``""`` for none), or one
        text for each x, shown as the cursor moves.
    height : int
        Of the plot in pixels.
    progress : bool, optional
        See :func:`sweeps.progress`.

    Returns
    -------
    Explorer

    Raises
    ------
    ValueError
        No controls or series, a series that is missing or not as long as x, nothing positive on a
        logarithmic axis, more than 100,000 combinations, more than 4 MB of data.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core import explorers
    >>> x = np.linspace(0.1, 1, 10)
    >>> explorer = explorers.curves(
    ...     lambda rate: {"error": np.exp(-rate * x), "floor": 0.2},
    ...     {"rate": [1.0, 2.0]}, x=x, series=["error", explorers.Series("floor", style="bound")],
    ...     title="Decay", alt="The error falls below the floor.", x_label="time", y_label="error",
    ... )
    >>> explorer.values
    {'rate': 1.0}
    """
    check_texts(title=title, alt=alt, x_label=x_label, y_label=y_label)
    controls = control_list(controls)
    series = _checked_series(series)
    for value, name in ((x_scale, "x_scale"), (y_scale, "y_scale")):
        checks.choice(value, name, ("linear", "log"))
    if not _FORMAT.fullmatch(x_format):
        raise ValueError(f"x_format = {x_format!r} must be like '.3g', '.2f', '.1e', '.0%' or 'd'")
    height = checks.integer(height, "height", at_least=120)
    fixed = None if isinstance(x, str) else checks.array(x, "x", shape=("N",))
    every = combinations(controls, MAX_COMBINATIONS)
    shown = sweeps.progress(every, label=title, show=progress)
    rows, index, said, texts = _collect(compute, shown, len(every), x, fixed, series, message)

    drawn = [1 + j for j, s in enumerate(series) if s.plot]
    drawn += range(1 + len(series), index.shape[1])  # the bands
    x_values, y_values = rows[np.unique(index[:, 0])], rows[np.unique(index[:, drawn])]
    if x_scale == "log" and not (x_values > 0).all():
        raise ValueError("x holds values <= 0, which a logarithmic axis cannot show; use x_scale='linear'")
    limits = None if y_range == "each" else _limits(y_values, y_range, y_scale)
    start = index[flat_index([c.start for c in controls], controls)]
    place = rows.shape[1] // 2
    if cursor_at is not None:
        place = int(np.abs(rows[start[0]] - checks.number(cursor_at, "cursor_at")).argmin())
    spec = {
        "title": title,
        "alt": alt,
        "series": _looks(series),
        "points": rows.shape[1],
        "columns": index.shape[1],
        "x": {"label": x_label, "scale": x_scale, "format": x_format},
        "y": {"label": y_label, "scale": y_scale, "range": limits},
        "cursor": cursor,
        "messages": texts,
        "height": height,
    }
    blobs = {"rows": rows.view(np.uint8).reshape(-1, 4).T.tobytes(), "index": index}  # byte planes compress better
    if said is not None:
        blobs["said"] = said
    return Explorer("curves", spec, blobs, controls, lambda: _plot(rows, start, spec), place)


def _checked_series(series):
    series = tuple(Series(s) if isinstance(s, str) else s for s in series)
    if not any(s.plot for s in series):
        raise ValueError("series draws nothing; give at least one with plot=True")
    if len({s.name for s in series}) != len(series):
        raise ValueError(f"series repeats a name: {[s.name for s in series]}")
    return series


def _collect(compute, shown, count, x, fixed, series, message):
    """Compute every combination: distinct rows, their index (combination, column), messages (or None), their texts.

    Column 0 is x, then the series, then the lower and upper edges of the bands.
    """
    bands = [edge for s in series if s.band for edge in s.band]
    keys = ["", *(s.name for s in series), *bands]
    store = Rows([None, *(s.digits for s in series), *(5 for _ in bands)])
    index = np.empty((count, len(keys)), np.uint32)
    texts, said = {}, None if message is None else []
    for i, values in enumerate(shown):
        result = compute(**values)
        if not isinstance(result, Mapping):
            raise ValueError(f"compute returned {type(result).__name__} for {values}; return a dict of arrays")
        missing = [k for k in (*keys[1:], *([x] if fixed is None else [])) if k not in result]
        if missing:
            raise ValueError(f"compute returned no {missing[0]!r} for {values}; it returned {sorted(result)}")
        at = fixed if fixed is not None else checks.array(result[x], f"{x} for {values}", shape=("N",))
        index[i] = store.add(_block(keys, at, result, values))
        if message is not None:
            said.append([texts.setdefault(t or "", len(texts)) for t in _messages(message(**values), at.size, values)])
    return store.rows(), index, said if said is None else np.array(said, np.uint32), list(texts)


def _block(keys, at, result, values):
    """x and all series and bands of one combination, a row each."""
    block = np.empty((len(keys), at.size))
    block[0] = at
    for j, key in enumerate(keys[1:], 1):
        row = checks.array(result[key], f"{key!r} for {values}", finite=False)
        if row.shape not in ((), at.shape):
            raise ValueError(
                f"series {key!r} has shape {row.shape} for {values} but x has {at.size} points; "
                "give one value for each x (NaN where there is none)"
            )
        block[j] = row
    return block


def _messages(text, size, values):
    text = [text] * size if isinstance(text, str) or text is None else list(text)
    if len(text) != size:
        raise ValueError(f"message gave {len(text)} texts for {values}; give one, or one for each of {size} x")
    return text


def _limits(y_values, y_range, y_scale):
    """One range for all combinations: of everything finite, or the caller's."""
    log = y_scale == "log"
    if y_range == "all":
        usable = y_values[np.isfinite(y_values) & ((y_values > 0) | (not log))]
        if not usable.size:
            raise ValueError(f"no series has a finite{' positive' * log} value; check compute or y_scale")
        return float(usable.min()), float(usable.max())
    low, high = checks.array(y_range, "y_range", shape=(2,)).tolist()
    if low >= high or (log and low <= 0):
        raise ValueError(f"y_range = {(low, high)} must increase{' from a positive number' * log}")
    return low, high


def _looks(series):
    """How the front end draws each series: colour, dash, marker, where its row and its band stand."""
    looks, colour, edge, bound = [], 0, 1 + len(series), 0
    for j, s in enumerate(series):
        look = {"label": s.label, "row": 1 + j, "style": s.style, "format": s.format, "unit": s.unit}
        look |= {"plot": s.plot, "readout": s.readout, "band": None}
        if s.plot and s.style == "bound":
            look |= {"color": "currentColor", "dash": figures.BOUND_DASHES[bound % len(figures.BOUND_DASHES)]}
            bound += 1
        elif s.plot:
            k = colour % len(figures.PALETTE)
            look |= {"color": figures.PALETTE[k], "dash": figures.DASHES[k] or [], "marker": k}
            colour += 1
        if s.band:
            look["band"], edge = [edge, edge + 1], edge + 2
        looks.append(look)
    return looks


def _plot(rows, index, spec):
    """The default combination as a PNG, for viewers without widgets."""
    fig, ax = figures.subplots()
    x = rows[index[0]]
    for s in (s for s in spec["series"] if s["plot"]):
        y = rows[index[s["row"]]]
        color = figures.NEUTRAL if s["style"] == "bound" else s["color"]
        line = "none" if s["style"] == "points" else (0, s["dash"]) if s["dash"] else "-"
        marker = figures.MARKERS[s["marker"]] if s["style"] == "points" else None
        if s["band"]:
            ax.fill_between(x, *(rows[index[e]] for e in s["band"]), color=color, alpha=0.18, linewidth=0)
        ax.plot(x, y, color=color, linestyle=line, marker=marker, label=s["label"])
    if spec["y"]["range"]:
        low, high = spec["y"]["range"]
        if high > low:
            ax.set_ylim(low, high)
    ax.set(xlabel=spec["x"]["label"], ylabel=spec["y"]["label"], xscale=spec["x"]["scale"], yscale=spec["y"]["scale"])
    ax.set_title(spec["title"])
    ax.legend()
    return figures.png(fig)
