"""The widget and its controls."""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import anywidget
import numpy as np
import traitlets

from robustnn_core import checks
from robustnn_core.explorers.packing import pack

__all__ = ["Control", "Explorer", "check_texts", "combinations", "control_list", "flat_index"]

MAX_BYTES = 4_000_000

_HERE = Path(__file__).parent


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
    >>> from robustnn_core.explorers import Control
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

    _esm = (_HERE / "front.js").read_text(encoding="utf-8")
    _css = (_HERE / "front.css").read_text(encoding="utf-8")
    kind = traitlets.Unicode().tag(sync=True)
    spec = traitlets.Dict().tag(sync=True)
    data = traitlets.Bytes().tag(sync=True)
    selection = traitlets.List(traitlets.Int()).tag(sync=True)
    cursor = traitlets.Int(0).tag(sync=True)

    def __init__(self, kind, spec, blobs, controls, png, cursor=0):
        packed, layout = pack(blobs)
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


def control_list(controls):
    """Return the controls as a tuple of :class:`Control`, from a dict of name -> values or a sequence."""
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


def combinations(controls, limit):
    """Return the values of every combination, a dict each; more than ``limit`` are refused."""
    count = math.prod(len(c.values) for c in controls)
    if count > limit:
        sizes = " x ".join(f"{c.name}: {len(c.values)}" for c in controls)
        raise ValueError(
            f"controls make {count:,} combinations ({sizes}), above the limit of {limit:,}; give fewer values"
        )
    return [
        dict(zip((c.name for c in controls), values)) for values in itertools.product(*(c.values for c in controls))
    ]


def flat_index(selection, controls):
    """Return where the combination of these indices stands in :func:`combinations`."""
    flat = 0
    for i, c in zip(selection, controls):
        flat = flat * len(c.values) + i
    return flat


def check_texts(**texts):
    """Refuse what is not a text, by the name of its argument."""
    for name, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"{name} = {text!r} must be a text")
