"""Interactive figures that work in the static page without a kernel, and in Jupyter with one.

Everything a reader can choose is computed when the page is built and travels inside the page; a small
front end (``explorers.js``, no dependency, nothing fetched) shows the chosen part. Two kinds:

* :func:`frames`: one drawing for each combination of the controls, made with matplotlib;
* :func:`curves`: arrays for each combination, drawn as lines in the browser, with a cursor that reads
  the values out.

Both return an :class:`Explorer`, the last line of a cell. Caption and name come from the page
(``mystnb: {figure: {caption, name}}``). A third kind needs a function here that fills
``Explorer(kind=, spec=, blobs=...)`` and an entry of ``kinds`` in ``explorers.js``.

Labels are plain text with Unicode (``"θ"``, ``"λ₁"``, ``"|w − w*|²"``): they also stand in select boxes
and in the names that screen readers speak.

Size: a drawing costs 3-6 kB compressed; a curve of N points at most 4 N bytes, curves that repeat are
stored once, and numbers are stored to two digits more than they are read out with. In the page the
compressed bytes are written in base64 (4/3 as long). ``Explorer.size`` tells.
"""

import itertools
import math
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import anywidget
import numpy as np
import traitlets

from robustnn_core import checks, figures, sweeps

__all__ = ["Control", "Explorer", "Series", "curves", "frames"]

MAX_FRAMES = 300
MAX_COMBINATIONS = 100_000
MAX_BYTES = 4_000_000

_HERE = Path(__file__).parent
_FORMAT = re.compile(r"d|\.\d+[gfe%]")


@dataclass(frozen=True)
class Control:
    """One thing the reader can choose.

    Parameters
    ----------
    name : str
        The keyword under which ``draw`` or ``compute`` gets the value.
    values : sequence
        Numbers make a slider that steps through them, texts a select box.
    label : str, optional
        What stands beside it; default the name.
    format : str or callable, optional
        How a value is written: a format of Python (``".2f"``) or a function; default ``"g"``.
    unit : str
        Written after the value.
    default : optional
        The value at the start; default the first.

    Examples
    --------
    >>> Control("theta", [0.0, 0.1, 0.2], label="θ, corruption", format=".1f").texts
    ('0.0', '0.1', '0.2')
    """

    name: str
    values: tuple
    label: str = None
    format: object = None
    unit: str = ""
    default: object = None

    def __post_init__(self):
        if not isinstance(self.name, str) or not self.name.isidentifier():
            raise ValueError(f"name = {self.name!r} of a control must be an identifier; it becomes a keyword argument")
        values = tuple(v.item() if isinstance(v, np.generic) else v for v in self.values)
        if not values:
            raise ValueError(f"control {self.name!r} has no values; give at least one")
        if len(set(values)) != len(values):
            raise ValueError(f"control {self.name!r} has repeated values {values}; give each once")
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "label", self.name if self.label is None else self.label)
        if self.default is not None and self.default not in values:
            raise ValueError(f"default = {self.default!r} of control {self.name!r} must be one of {values}")

    @property
    def start(self):
        """Index of the default."""
        return 0 if self.default is None else self.values.index(self.default)

    @property
    def texts(self):
        """Every value as it is written."""
        return tuple(self._text(value) for value in self.values)

    def _text(self, value):
        if callable(self.format):
            text = str(self.format(value))
        elif isinstance(value, bool):
            text = "yes" if value else "no"
        elif isinstance(value, (int, float)):
            text = format(value, self.format or "g").replace("-", "−")
        else:
            text = str(value)
        return f"{text} {self.unit}".strip()

    @property
    def _spec(self):
        numeric = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in self.values)
        return {"name": self.name, "label": self.label, "type": "range" if numeric else "select", "texts": self.texts}


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
    def _digits(self):
        """Significant digits to store, or None for all of float32."""
        return max(5, int(self.format[1:-1]) + 2) if self.format[-1] in "ge" else None


class Explorer(anywidget.AnyWidget):
    """An interactive figure; made by :func:`frames` and :func:`curves`.

    Attributes
    ----------
    selection : list of int
        Index of the chosen value of each control; synchronised with the page in Jupyter.
    cursor : int
        Index of the cursor along x.
    values : dict
        The chosen values by name (read; :meth:`choose` sets them).
    size : int
        Bytes of the compressed data.
    """

    _esm = (_HERE / "explorers.js").read_text(encoding="utf-8")
    _css = (_HERE / "explorers.css").read_text(encoding="utf-8")
    kind = traitlets.Unicode().tag(sync=True)
    spec = traitlets.Dict().tag(sync=True)
    data = traitlets.Bytes().tag(sync=True)
    selection = traitlets.List(traitlets.Int()).tag(sync=True)
    cursor = traitlets.Int(0).tag(sync=True)

    def __init__(self, kind, spec, blobs, controls, png, cursor=0):
        packed, layout = _pack(blobs)
        self._controls, self._png = controls, png
        spec = {**spec, "blobs": layout, "controls": [c._spec for c in controls]}
        if len(packed) > MAX_BYTES:
            raise ValueError(
                f"the data of this explorer take {len(packed):,} bytes compressed (limit {MAX_BYTES:,}); "
                "give the controls fewer values, x fewer points, or the readouts fewer digits"
            )
        super().__init__(kind=kind, spec=spec, data=packed, selection=[c.start for c in controls], cursor=cursor)

    @traitlets.validate("selection")
    def _valid_selection(self, proposal):
        chosen, sizes = list(proposal["value"]), [len(c.values) for c in self._controls]
        if len(chosen) != len(sizes) or not all(0 <= i < n for i, n in zip(chosen, sizes)):
            raise traitlets.TraitError(f"selection = {chosen} must hold one index for each control, below {sizes}")
        return chosen

    @property
    def values(self):
        return {c.name: c.values[i] for c, i in zip(self._controls, self.selection)}

    @property
    def size(self):
        return len(self.data)

    def choose(self, **values):
        """Set controls from Python, ``explorer.choose(theta=0.2)``; returns the explorer."""
        names = [c.name for c in self._controls]
        selection = list(self.selection)
        for name, value in values.items():
            at = names.index(checks.choice(name, "control", names))
            if value not in self._controls[at].values:
                raise ValueError(f"{name} = {value!r} must be one of {self._controls[at].values}")
            selection[at] = self._controls[at].values.index(value)
        self.selection = selection
        return self

    def __repr__(self):
        alt = self.spec["alt"]
        controls = ", ".join(f"{c.label}: {c.texts[0]} to {c.texts[-1]}" for c in self._controls)
        return (
            f"Interactive figure: {self.spec['title']}. {alt if isinstance(alt, str) else alt[0]} Controls: {controls}."
        )

    def _repr_mimebundle_(self, **keywords):
        bundle = super()._repr_mimebundle_(**keywords)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        return {**(data or {}), "image/png": self._png(), "text/plain": repr(self)}, metadata


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
    >>> def draw(power):
    ...     fig, ax = figures.subplots(width="narrow")
    ...     _ = ax.plot([0, 0.5, 1], [0, 0.5**power, 1])
    ...     return fig
    >>> explorer = frames(draw, {"power": [1, 2]}, title="Powers", alt="A curve from (0, 0) to (1, 1).")
    >>> explorer.choose(power=2).values
    {'power': 2}
    """
    _texts(title=title)
    controls = _controls(controls)
    combinations = _combinations(controls, MAX_FRAMES)
    start = _flat([c.start for c in controls], controls)
    alts, drawings, index, png, width = [], {}, [], None, 0
    for i, values in enumerate(sweeps.progress(combinations, label=title, show=progress)):
        alts.append(figures._alt(alt(**values) if callable(alt) else alt))
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
    >>> x = np.linspace(0.1, 1, 10)
    >>> explorer = curves(
    ...     lambda rate: {"error": np.exp(-rate * x), "floor": 0.2},
    ...     {"rate": [1.0, 2.0]}, x=x, series=["error", Series("floor", style="bound")],
    ...     title="Decay", alt="The error falls below the floor.", x_label="time", y_label="error",
    ... )
    >>> explorer.values
    {'rate': 1.0}
    """
    _texts(title=title, alt=alt, x_label=x_label, y_label=y_label)
    controls = _controls(controls)
    combinations = _combinations(controls, MAX_COMBINATIONS)
    series = tuple(Series(s) if isinstance(s, str) else s for s in series)
    if not any(s.plot for s in series):
        raise ValueError("series draws nothing; give at least one with plot=True")
    if len({s.name for s in series}) != len(series):
        raise ValueError(f"series repeats a name: {[s.name for s in series]}")
    for value, name in ((x_scale, "x_scale"), (y_scale, "y_scale")):
        checks.choice(value, name, ("linear", "log"))
    if not _FORMAT.fullmatch(x_format):
        raise ValueError(f"x_format = {x_format!r} must be like '.3g', '.2f', '.1e', '.0%' or 'd'")

    fixed = None if isinstance(x, str) else checks.array(x, "x", shape=("N",))
    bands = [edge for s in series if s.band for edge in s.band]
    keys = ["", *(s.name for s in series), *bands]
    store = _Rows([None, *(s._digits for s in series), *(5 for _ in bands)])
    index = np.empty((len(combinations), len(keys)), np.uint32)
    texts, said = {}, None if message is None else []
    for i, values in enumerate(sweeps.progress(combinations, label=title, show=progress)):
        result = compute(**values)
        if not isinstance(result, Mapping):
            raise ValueError(f"compute returned {type(result).__name__} for {values}; return a dict of arrays")
        missing = [k for k in (*keys[1:], *([x] if fixed is None else [])) if k not in result]
        if missing:
            raise ValueError(f"compute returned no {missing[0]!r} for {values}; it returned {sorted(result)}")
        at = fixed if fixed is not None else checks.array(result[x], f"{x} for {values}", shape=("N",))
        block = np.empty((len(keys), at.size))
        for j, key in enumerate(keys):
            row = at if not key else checks.array(result[key], f"{key!r} for {values}", finite=False)
            if row.shape not in ((), at.shape):
                raise ValueError(
                    f"series {key!r} has shape {row.shape} for {values} but x has {at.size} points; "
                    "give one value for each x (NaN where there is none)"
                )
            block[j] = row
        index[i] = store.add(block)
        if message is not None:
            text = message(**values)
            text = [text] * at.size if isinstance(text, str) or text is None else list(text)
            if len(text) != at.size:
                raise ValueError(
                    f"message gave {len(text)} texts for {values}; give one, or one for each of {at.size} x"
                )
            said.append([texts.setdefault(t or "", len(texts)) for t in text])
    rows = store.rows()
    drawn = [1 + j for j, s in enumerate(series) if s.plot]
    drawn += [1 + len(series) + j for j in range(len(bands))]
    x_values, y_values = rows[np.unique(index[:, 0])], rows[np.unique(index[:, drawn])]
    if x_scale == "log" and not (x_values > 0).all():
        raise ValueError("x holds values <= 0, which a logarithmic axis cannot show; use x_scale='linear'")
    limits = y_range
    if y_range == "all":
        usable = y_values[np.isfinite(y_values) & ((y_values > 0) | (y_scale == "linear"))]
        if not usable.size:
            raise ValueError(
                "no series has a finite"
                + (" positive" if y_scale == "log" else "")
                + " value; check compute or y_scale"
            )
        limits = (float(usable.min()), float(usable.max()))
    elif y_range != "each":
        limits = tuple(checks.array(y_range, "y_range", shape=(2,)).tolist())
        if limits[0] >= limits[1] or (y_scale == "log" and limits[0] <= 0):
            raise ValueError(
                f"y_range = {limits} must increase" + (" from a positive number" if y_scale == "log" else "")
            )

    specs, colour, edge, bound = [], 0, 1 + len(series), 0
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
        specs.append(look)
    count = rows.shape[1]
    if cursor_at is not None:
        first = rows[index[_flat([c.start for c in controls], controls), 0]]
        place = int(np.abs(first - checks.number(cursor_at, "cursor_at")).argmin())
    else:
        place = count // 2
    spec = {
        "title": title,
        "alt": alt,
        "series": specs,
        "points": count,
        "columns": len(keys),
        "x": {"label": x_label, "scale": x_scale, "format": x_format},
        "y": {"label": y_label, "scale": y_scale, "range": None if y_range == "each" else limits},
        "cursor": cursor,
        "messages": list(texts),
        "height": checks.integer(height, "height", at_least=120),
    }
    blobs = {"rows": rows.view(np.uint8).reshape(-1, 4).T.tobytes(), "index": index}  # byte planes compress better
    if said is not None:
        blobs["said"] = np.array(said, np.uint32)

    def png():
        return _plot(rows, index[_flat([c.start for c in controls], controls)], specs, spec)

    return Explorer("curves", spec, blobs, controls, png, place)


class _Rows:
    """Rows of float32, each stored once; column j rounded to ``digits[j]`` significant digits (None: all)."""

    def __init__(self, digits):
        drop = [0 if d is None else 23 - min(23, math.ceil(d * math.log2(10))) for d in digits]
        self._drop = np.array(drop, np.uint64)[:, None]
        self._seen = {}

    def add(self, block):
        """Store the rows of ``block``; return where each of them stands."""
        with np.errstate(over="ignore"):
            block = block.astype("<f4")
        one = np.uint64(1)
        bits = block.view(np.uint32).astype(np.uint64) + ((one << self._drop) >> one)
        rounded = ((bits >> self._drop) << self._drop).astype(np.uint32).view("<f4")
        block = np.where(np.isfinite(rounded) & np.isfinite(block), rounded, block)
        return [self._seen.setdefault(row.tobytes(), len(self._seen)) for row in block]

    def rows(self):
        lengths = {len(row) for row in self._seen}
        if len(lengths) > 1:
            raise ValueError(
                f"x has {sorted(n // 4 for n in lengths)} points for different controls; pad with NaN to one length"
            )
        return np.frombuffer(b"".join(self._seen), dtype="<f4").reshape(len(self._seen), -1)


def _plot(rows, index, specs, spec):
    """The default combination as a PNG, for viewers without widgets."""
    fig, ax = figures.subplots()
    x = rows[index[0]]
    for s in (s for s in specs if s["plot"]):
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


def _pack(blobs):
    """Join and compress the blobs; their layout is [name, bytes]."""
    parts = {k: v if isinstance(v, bytes) else np.ascontiguousarray(v, "<u4").tobytes() for k, v in blobs.items()}
    return zlib.compress(b"".join(parts.values()), 9), [[name, len(part)] for name, part in parts.items()]


def _controls(controls):
    if isinstance(controls, Mapping):
        controls = [v if isinstance(v, Control) else Control(name, v) for name, v in controls.items()]
    controls = tuple(controls)
    if not controls or not all(isinstance(c, Control) for c in controls):
        raise ValueError(
            "controls is empty or holds something else; give a dict of name -> values, or a list of Control"
        )
    if len({c.name for c in controls}) != len(controls):
        raise ValueError(f"controls repeats a name: {[c.name for c in controls]}")
    return controls


def _combinations(controls, limit):
    count = math.prod(len(c.values) for c in controls)
    if count > limit:
        sizes = " x ".join(f"{c.name}: {len(c.values)}" for c in controls)
        raise ValueError(
            f"controls make {count:,} combinations ({sizes}), above the limit of {limit:,}; give fewer values"
        )
    return [
        dict(zip((c.name for c in controls), values)) for values in itertools.product(*(c.values for c in controls))
    ]


def _flat(selection, controls):
    flat = 0
    for i, c in zip(selection, controls):
        flat = flat * len(c.values) + i
    return flat


def _texts(**texts):
    for name, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"{name} = {text!r} must be a text")
