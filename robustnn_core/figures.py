"""One style for every figure: colour-blind safe, legible on light and dark pages, with alt text.

A figure leaves a cell as inline SVG whose text, axes and ticks take the colour of the text around it
(``currentColor``) on a transparent ground, so that one rendering serves both page themes. A PNG goes
along for LaTeX and for viewers without HTML.

::

    fig, ax = figures.subplots()
    ax.plot(t, error, label="greedy adversary")
    figures.bound(ax, floor, "Theorem A'")
    figures.show(fig, alt="The error falls for 200 steps, then stays below the floor.")

Caption and name come from the page, through the cell's metadata::

    ```{code-cell}
    ---
    mystnb:
      figure: {name: fig-floor, caption: "The error stays below the floor."}
    ---
    ```

(The caption goes to every output of the cell, so such a cell prints nothing else.)

Rules: draw what is neutral in black (it becomes the colour of the text) and everything else in
:data:`PALETTE` colours; never rely on colour alone (the cycle changes the dashes along with the colour);
give scatters above a thousand points ``rasterized=True``, else the page grows by 100 bytes a point.
"""

import hashlib
import html
import io
import re
import sys

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from robustnn_core import checks

__all__ = [
    "DASHES",
    "MARKERS",
    "NEUTRAL",
    "PALETTE",
    "WIDTHS",
    "Shown",
    "bound",
    "checked_alt",
    "close",
    "pixels",
    "png",
    "show",
    "style",
    "subplots",
    "svg",
]

#: Colours at contrast >= 3:1 on white and on the dark page, told apart under the common colour deficiencies.
PALETTE = ("#0077BB", "#D1590A", "#00906B", "#B8609A", "#A07000", "#7F6FD0")
#: Dashes that go with the colours, in points (``None`` is a solid line).
DASHES = (None, (7, 2), (1.5, 1.5), (7, 2, 1.5, 2), (4, 1.5), (9, 2, 4, 2))
#: Markers that go with the colours.
MARKERS = ("o", "s", "^", "D", "v", "P")
#: The colour of text, axes and theoretical bounds: black on paper, the text's colour on a page.
NEUTRAL = "#000000"
#: Named widths in inches; ``"wide"`` scrolls on a phone, the others shrink and stay readable.
WIDTHS = {"narrow": 4.2, "text": 5.8, "wide": 8.6}
#: Dashes of the first, second, ... bound of one axes.
BOUND_DASHES = ((8, 4), (2.5, 2.5), (8, 3, 2.5, 3))

_PIXELS_PER_INCH = 112  # of a figure shown at full width
_CYCLE = [dict(color=c, linestyle=(0, d) if d else "-") for c, d in zip(PALETTE, DASHES)]
_STYLE = {
    "figure.dpi": 110,
    "savefig.dpi": 160,
    "figure.constrained_layout.use": True,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # the one that comes with matplotlib: the same figure everywhere
    "font.size": 10.0,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 10.0,
    "axes.labelpad": 5.0,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.prop_cycle": matplotlib.cycler(
        color=[c["color"] for c in _CYCLE], linestyle=[c["linestyle"] for c in _CYCLE]
    ),
    "grid.color": "#808080",
    "grid.alpha": 0.25,
    "grid.linewidth": 0.7,
    "xtick.labelsize": 9.0,
    "ytick.labelsize": 9.0,
    "xtick.direction": "out",
    "ytick.direction": "out",
    "lines.linewidth": 1.8,
    "lines.markersize": 5.0,
    "scatter.edgecolors": "none",
    "patch.facecolor": PALETTE[0],
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "legend.handlelength": 2.8,
    "image.cmap": "viridis",
    "svg.fonttype": "path",  # glyphs as drawn: the layout does not depend on the reader's fonts
    "svg.hashsalt": "robustnn",
}


def style():
    """Return a context in which matplotlib draws in the book's style.

    For code that draws with pyplot itself; :func:`subplots` needs no context.

    Examples
    --------
    >>> import matplotlib
    >>> from robustnn_core.figures import style
    >>> with style():
    ...     matplotlib.rcParams["legend.frameon"]
    False
    """
    return matplotlib.rc_context(_STYLE)


def subplots(nrows=1, ncols=1, *, width="text", height=None, **keywords):
    """Return a new figure and its axes in the book's style.

    Switches matplotlib to the style for the rest of the process (what is added to the axes later
    reads it too). The figure does not belong to pyplot: it is shown by :func:`show` only.

    Parameters
    ----------
    nrows, ncols : int
    width : {"text", "narrow", "wide"} or float
        A name of :data:`WIDTHS`, or inches.
    height : float, optional
        Inches; default 0.62 of the width of one column, for each row.
    **keywords
        For :meth:`matplotlib.figure.Figure.subplots` (``sharex``, ``squeeze``, ...).

    Returns
    -------
    fig : matplotlib.figure.Figure
    axes : Axes or array of Axes

    Examples
    --------
    >>> from robustnn_core.figures import subplots
    >>> fig, (left, right) = subplots(1, 2, width="wide")
    >>> fig.get_size_inches().round(2).tolist()
    [8.6, 2.8]
    """
    nrows, ncols = checks.integer(nrows, "nrows", at_least=1), checks.integer(ncols, "ncols", at_least=1)
    if isinstance(width, str):
        width = WIDTHS[checks.choice(width, "width", tuple(WIDTHS))]
    width = checks.number(width, "width", above=0.0)
    height = 0.62 * width / ncols * nrows * (1 if ncols == 1 else 1.05) if height is None else height
    height = checks.number(height, "height", above=0.0)
    matplotlib.rcParams.update(_STYLE)
    fig = Figure(figsize=(width, height), layout="constrained")
    return fig, fig.subplots(nrows, ncols, **keywords)


def bound(ax, value, label, *, side="right", below=False):
    """Draw a theoretical bound, dashed in the colour of the text, and write its name on the line.

    Parameters
    ----------
    ax : Axes
    value : float, or a pair (x, y) of arrays
        A horizontal line, or a curve.
    label : str
    side : {"right", "left"}
        End of the line at which the name stands.
    below : bool
        Write the name below the line.

    Returns
    -------
    matplotlib.lines.Line2D

    Examples
    --------
    >>> from robustnn_core.figures import bound, subplots
    >>> fig, ax = subplots()
    >>> bound(ax, 0.5, "floor").get_color()
    '#000000'
    """
    side = checks.choice(side, "side", ("right", "left"))
    drawn = sum(line.get_gid() == "bound" for line in ax.lines)
    look = dict(color=NEUTRAL, linewidth=1.3, gid="bound", label=f"_{label}", zorder=2.5)
    look["dashes"] = BOUND_DASHES[drawn % len(BOUND_DASHES)]
    if isinstance(value, (tuple, list)):
        x, y = (checks.array(part, name, shape=("N",), finite=False) for part, name in zip(value, ("x", "y")))
        line = ax.add_line(Line2D(x, y, **look))
        ax.autoscale_view()
        end = -1 if side == "right" else 0
        at, transform = (x[end], y[end]), ax.transData
    else:
        value = checks.number(value, "value", remedy="an infinite bound says nothing; leave it out")
        line = ax.axhline(value, **look)
        at, transform = (0.995 if side == "right" else 0.005, value), ax.get_yaxis_transform()
    ax.annotate(
        label,
        at,
        xycoords=transform,
        xytext=(0, -3 if below else 3),
        textcoords="offset points",
        ha=side,
        va="top" if below else "bottom",
        fontsize=9.0,
        color=NEUTRAL,
    )
    return line


def svg(fig, *, alt):
    """Return ``fig`` as inline SVG: one ``<svg>`` element, ``currentColor`` for black, named by ``alt``.

    The same figure gives the same text, byte for byte; its ids are its own in the page.
    """
    alt = checked_alt(alt)
    buffer = io.StringIO()
    patches = [fig.patch, *(ax.patch for ax in fig.findobj(Axes))]
    colours = [(patch.get_facecolor(), patch.get_edgecolor()) for patch in patches]
    for patch in patches:
        patch.set(facecolor="none", edgecolor="none")
    with style():  # not savefig: that draws twice, once for the layout only
        FigureCanvasSVG(fig).print_svg(buffer, metadata={"Date": None, "Creator": None})
    for patch, (face, edge) in zip(patches, colours):
        patch.set(facecolor=face, edgecolor=edge)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<style[^>]*>.*?</style>", "", text, flags=re.S)
    text = re.sub(r"#000000\b", "currentColor", text)
    text = re.sub(r"(?<=[\s\"])(d|x|y|points)=\"([^\"]*)\"", _short_numbers, text)
    # drop ids nobody refers to, make the others unique in the page
    used = set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", text))
    text = re.sub(r"\s+id=\"([^\"]*)\"", lambda m: m[0] if m[1] in used else "", text)
    prefix = "f" + hashlib.sha256(text.encode()).hexdigest()[:8]
    text = re.sub(r"(\bid=\"|url\(#|href=\"#)", rf"\g<1>{prefix}-", text)
    text = re.sub(r"<defs>\s*</defs>", "", text)
    text = re.sub(r">\s+<", "><", re.sub(r"[ \t]*\n[ \t]*", " ", text)).strip()
    box = re.search(r'viewBox="([^"]*)"', text)[1]
    root = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" role="img" '
        f'aria-label="{html.escape(alt)}" viewBox="{box}" fill="currentColor" '
        f'stroke-linejoin="round" stroke-linecap="butt" style="display:block;width:100%;height:auto">'
    )
    return re.sub(r"^<svg[^>]*>", lambda _: root, text)


def png(fig):
    """Return ``fig`` as the bytes of a PNG on white."""
    buffer = io.BytesIO()
    with style():
        fig.savefig(buffer, format="png", facecolor="white", metadata={"Software": None})
    return buffer.getvalue()


class Shown:
    """What :func:`show` returns: inline SVG for pages, PNG for LaTeX, the alt text for terminals.

    Attributes
    ----------
    alt : str
    svg : str
    png : bytes
    """

    def __init__(self, fig, alt):
        self.alt, self.svg, self.png = checked_alt(alt), svg(fig, alt=alt), png(fig)
        self._width = pixels(fig)
        self._wide = fig.get_size_inches()[0] > WIDTHS["text"] + 0.5

    def __repr__(self):
        return f"Figure: {self.alt}"

    def _repr_mimebundle_(self, include=None, exclude=None):
        name = html.escape(f"Figure, scrolls sideways: {self.alt}")
        scroll = f'tabindex="0" role="region" aria-label="{name}" ' if self._wide else ""
        inner = "min-width:36rem;" if self._wide else ""
        markup = (
            f'<div class="rnn-figure" {scroll}style="overflow-x:auto"><style>html[data-theme="dark"] .bd-content '
            f"div.cell_output .text_html:has(div.rnn-figure){{background:transparent;color:inherit;padding:0}}</style>"
            f'<div style="{inner}max-width:{self._width}px;margin:0 auto">{self.svg}</div></div>'
        )
        return {"text/html": markup, "image/png": self.png, "text/plain": repr(self)}


def show(fig, *, alt):
    """Return ``fig`` as something a notebook shows; put it last in the cell.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
        Closed afterwards if it belongs to pyplot.
    alt : str
        What the picture shows, in a sentence or two, for those who do not see it.

    Returns
    -------
    Shown

    Raises
    ------
    ValueError
        Empty ``alt``.

    Examples
    --------
    >>> from robustnn_core.figures import show, subplots
    >>> fig, ax = subplots(width="narrow")
    >>> _ = ax.plot([0, 1], [0, 1])
    >>> show(fig, alt="A straight line from the origin to (1, 1).")
    Figure: A straight line from the origin to (1, 1).
    """
    if not isinstance(fig, Figure):
        raise ValueError(f"fig is a {type(fig).__name__}; give the matplotlib Figure itself (ax.figure)")
    shown = Shown(fig, alt)
    close(fig)
    return shown


def pixels(fig):
    """Width in CSS pixels at which a page shows ``fig`` at most."""
    return round(fig.get_size_inches()[0] * _PIXELS_PER_INCH)


def close(fig):
    """Let pyplot forget ``fig``, if pyplot knows it."""
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(fig)


def checked_alt(alt):
    """Return the text for those who do not see the picture, on one line; an empty one is refused."""
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(f"alt = {alt!r} must say in words what the picture shows")
    return " ".join(alt.split())


def _short_numbers(match):
    """Two decimals are 1/100 point: nobody sees the rest, everybody downloads it."""
    short = re.sub(r"-?\d+\.\d{3,}", lambda m: f"{float(m[0]):.2f}".rstrip("0").rstrip("."), match[2])
    return f'{match[1]}="{" ".join(short.split())}"'
