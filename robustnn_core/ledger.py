"""A proof ledger: every numbered (in)equality of a proof, evaluated on live numbers.

A proof on a page is followed by a ledger. Each row takes one step of the proof, puts numbers into both
sides and reports the slack; :meth:`Ledger.assert_holds` stops the build where a step fails.
"""

import html
import math
from dataclasses import dataclass

import numpy as np

from robustnn_core import checks

__all__ = ["Ledger", "Row", "Table", "table"]

_SIGNS = {"leq": "≤", "lt": "<", "eq": "="}
_MARKS = {"holds": "✓", "fails": "✗", "by construction": "≡"}
_COLUMNS = ("step", "statement", "left", "is", "right", "slack", "tolerance", "entries", "holds")
_STYLE = """<style>
.ledger-scroll { overflow-x: auto; margin: 1rem 0; }
.ledger-scroll table.ledger { border-collapse: collapse; width: 100%; margin: 0; font-size: .88em;
  color: inherit; background: transparent; }
.ledger-scroll table.ledger caption { caption-side: top; text-align: left; font-weight: 600; padding: .25rem .45rem;
  color: inherit; }
.ledger-scroll table.ledger :is(th, td) { padding: .15rem .45rem; text-align: left; vertical-align: top;
  white-space: nowrap; border: 0; background: transparent; color: inherit; font-variant-numeric: tabular-nums; }
.ledger-scroll table.ledger tbody { border-top: 1px solid color-mix(in srgb, currentColor 25%, transparent); }
.ledger-scroll table.ledger tr:first-child > * { padding-top: .4rem; }
.ledger-scroll table.ledger tbody th[scope=row] { font-weight: 500; }
.ledger-scroll table.ledger tr:last-child > td { padding-bottom: .4rem; }
.ledger-scroll table.ledger small { font-size: .85em; opacity: .85; margin-left: .3em; }
.ledger-scroll table.ledger .fails { font-weight: 700; text-decoration: underline; }
@media (max-width: 480px) { .ledger-scroll table.ledger small { display: block; margin-left: 0; } }
html[data-theme="dark"] .bd-content div.cell_output .text_html:has(div.ledger-scroll) {
  background: transparent; color: inherit; padding: 0; }
</style>"""


@dataclass(frozen=True)
class Row:
    """One step of a proof in numbers; of an array step, its worst entry.

    Attributes
    ----------
    label : str
        Name of the step, for instance ``"(12)"``.
    statement : str
        The step in TeX.
    relation : str
        ``"leq"``, ``"lt"`` or ``"eq"``.
    lhs, rhs : float
        Both sides (of the entry closest to failing, or failing most).
    slack : float
        ``rhs - lhs``.
    tolerance : float
        What rounding was allowed, absolute: ``tol * max(1, |lhs|, |rhs|)`` or ``tol * scale``.
    holds : bool
    count : int
        How many entries were checked.
    by_construction : bool
        Both sides are the same number computed once, or true by definition: shown, not counted as a check.
    """

    label: str
    statement: str
    relation: str
    lhs: float
    rhs: float
    slack: float
    tolerance: float
    holds: bool
    count: int
    by_construction: bool = False

    def __str__(self):
        sign = _SIGNS[self.relation]
        verdict = "FAILS" if not self.holds else "by construction" if self.by_construction else "holds"
        return (
            f"{self.label}: {self.lhs:.9g} {sign} {self.rhs:.9g} {verdict} "
            f"(slack {self.slack:.3g}, tolerance {self.tolerance:.1g}, {self.count} checked)"
        )


class Ledger:
    r"""The rows of one proof.

    Parameters
    ----------
    title : str
        What is proved; becomes the caption of the table.

    Notes
    -----
    Both sides are numbers or arrays of one shape (a number is compared with every entry of an array).
    Of arrays the worst entry is reported, that is the one with the smallest slack relative to its scale.
    A row with a NaN or an infinity anywhere never holds: neither proves anything.

    Tolerances are relative to ``max(1, |lhs|, |rhs|)`` entry by entry. Where both sides are far below
    one that is too kind: give ``scale``, the size of the quantities compared, and the tolerance is
    ``tol * scale``.

    A row is a check only if it can fail. Where both sides agree by the way they are computed (a definition, a number
    compared with itself) say ``by_construction=True``: the row is shown as such and not counted.

    Examples
    --------
    >>> import numpy as np
    >>> from robustnn_core.ledger import Ledger
    >>> ledger = Ledger("Weighted AM-GM")
    >>> a, b = np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 0.5])
    >>> ledger.leq("(1)", r"2ab \le a^2 + b^2", 2 * a * b, a**2 + b**2).assert_holds()
    Ledger 'Weighted AM-GM': all 1 steps hold
      (1): 8 ≤ 8 holds (slack 0, tolerance 8e-09, 3 checked)
    >>> ledger.lt("(2)", r"1 < 1", 1.0, 1.0).assert_holds()
    Traceback (most recent call last):
        ...
    AssertionError: Weighted AM-GM: 1 of 2 steps fail
      (2): 1 < 1 FAILS (slack 0, tolerance 0, 1 checked)
    """

    def __init__(self, title):
        if not isinstance(title, str) or not title.strip():
            raise ValueError(f"title = {title!r} must be a text; say what is proved")
        self.title = title
        self._rows = []

    @property
    def rows(self):
        """The rows so far, a tuple of :class:`Row`."""
        return tuple(self._rows)

    def leq(self, label, statement, lhs, rhs, tol=1e-9, *, scale=None, by_construction=False):
        """Add the row ``lhs <= rhs`` (up to the tolerance) and return the ledger.

        Parameters
        ----------
        label : str
            The step's number or name in the proof.
        statement : str
            The step in TeX, without dollars.
        lhs, rhs : number or array_like
            Equal shapes, or one of them a number.
        tol : float >= 0
        scale : float > 0, optional
            What ``tol`` is relative to; default ``max(1, |lhs|, |rhs|)``.
        by_construction : bool
            The row cannot fail: show it, do not count it as a check.

        Raises
        ------
        ValueError
            Shapes that differ, empty arrays, complex numbers, a negative tolerance.
        """
        return self._add("leq", label, statement, lhs, rhs, tol, scale, by_construction)

    def lt(self, label, statement, lhs, rhs, tol=0.0, *, scale=None, by_construction=False):
        """Add the strict row ``lhs < rhs``; with ``tol`` the gap must be larger than the tolerance."""
        return self._add("lt", label, statement, lhs, rhs, tol, scale, by_construction)

    def eq(self, label, statement, lhs, rhs, tol=1e-9, *, scale=None, by_construction=False):
        """Add the row ``lhs = rhs`` (up to the tolerance) and return the ledger.

        For a Monte-Carlo estimate against its expectation give ``tol=4, scale=standard_error``.
        """
        return self._add("eq", label, statement, lhs, rhs, tol, scale, by_construction)

    def assert_holds(self):
        """Return the ledger if every row holds, else raise ``AssertionError`` naming those that fail."""
        if all(row.by_construction for row in self._rows):
            raise AssertionError(f"{self.title}: the ledger is empty, nothing was checked")
        failing = [row for row in self._rows if not row.holds]
        if failing:
            raise AssertionError(
                f"{self.title}: {len(failing)} of {len(self._rows)} steps fail\n"
                + "\n".join(f"  {row}" for row in failing)
            )
        return self

    def _add(self, relation, label, statement, lhs, rhs, tol, scale, by_construction):
        for value, name in ((label, "label"), (statement, "statement")):
            if not isinstance(value, str) or not value.strip():
                raise ValueError(f"{name} = {value!r} must be a text")
        tol = checks.number(tol, "tol", at_least=0.0)
        lhs, rhs = checks.array(lhs, "lhs", finite=False), checks.array(rhs, "rhs", finite=False)
        if lhs.ndim and rhs.ndim and lhs.shape != rhs.shape:
            raise ValueError(
                f"lhs has shape {lhs.shape} and rhs {rhs.shape} in {label}; give equal shapes or make one a number"
            )
        lhs, rhs = (side.ravel() for side in np.broadcast_arrays(lhs, rhs))
        finite = np.isfinite(lhs) & np.isfinite(rhs)
        with np.errstate(invalid="ignore", over="ignore"):
            if scale is None:
                size = np.maximum(1.0, np.maximum(np.abs(lhs), np.abs(rhs)))
            else:
                size = np.full(lhs.shape, checks.number(scale, "scale", above=0.0))
            slack = rhs - lhs
            margin = np.where(finite, (-np.abs(slack) if relation == "eq" else slack) / size, -np.inf)
            # against 0 every entry above 1 has the same relative margin: of those the one with the least slack
            worst = int(np.lexsort((-np.abs(slack) if relation == "eq" else slack, margin))[0])
        gap, tolerance = float(slack[worst]), tol * float(size[worst])
        holds = {"leq": gap >= -tolerance, "lt": gap > tolerance, "eq": abs(gap) <= tolerance}[relation]
        self._rows.append(
            Row(
                label,
                statement,
                relation,
                float(lhs[worst]),
                float(rhs[worst]),
                gap,
                tolerance,
                bool(holds and finite.all()),
                int(lhs.size),
                bool(by_construction),
            )
        )
        return self

    @property
    def _verdict(self):
        failing = sum(not row.holds for row in self._rows)
        if failing:
            return f"{failing} of {len(self._rows)} steps FAIL"
        checked = sum(not row.by_construction for row in self._rows)
        return f"all {checked} steps hold" if checked else "nothing checked" if self._rows else "empty"

    def __repr__(self):
        return "\n".join([f"Ledger {self.title!r}: {self._verdict}", *(f"  {row}" for row in self._rows)])

    def _html(self):
        name = html.escape(f"Proof ledger: {self.title}")
        head = "".join(f'<th scope="col">{column}</th>' for column in ("step", "left", "right", "slack", "verdict"))
        body = []
        for row in self._rows:
            word = "fails" if not row.holds else "by construction" if row.by_construction else "holds"
            statement = f'<span class="math notranslate nohighlight">\\({html.escape(row.statement)}\\)</span>'
            cells = (
                _power(row.lhs),
                f"{html.escape(_SIGNS[row.relation])} {_power(row.rhs)}",
                f"{_power(row.slack, 3)} <small>tolerance {_power(row.tolerance, 1)}</small>",
                f'<span class="{word.split()[0]}"><span aria-hidden="true">{_MARKS[word]}</span> {word}</span> '
                f"<small>{row.count:,} checked</small>",
            )
            cells = "".join(f"<td>{cell}</td>" for cell in cells)
            body.append(
                f'<tbody><tr><th scope="rowgroup" rowspan="2">{html.escape(row.label)}</th>'
                f'<td colspan="4">{statement}</td></tr><tr>{cells}</tr></tbody>'
            )
        return (
            f'{_STYLE}<div class="ledger-scroll" tabindex="0" role="region" aria-label="{name}"><table class="ledger">'
            f"<caption>{name}: {self._verdict}</caption><thead><tr>{head}</tr></thead>"
            f"{''.join(body)}</table></div>"
        )

    def _markdown(self):
        lines = [f"**Proof ledger: {self.title}** ({self._verdict})", "", "| " + " | ".join(_COLUMNS) + " |"]
        lines.append("|" + "|".join([" --- "] * len(_COLUMNS)) + "|")
        for row in self._rows:
            statement = row.statement.replace(r"\|", r"\Vert ").replace("|", r"\vert ").replace("\n", " ")
            cells = (
                f"{row.lhs:.5g}",
                _SIGNS[row.relation],
                f"{row.rhs:.5g}",
                f"{row.slack:.3g}",
                f"{row.tolerance:.1g}",
            )
            cells = (
                row.label.replace("|", r"\|"),
                f"${statement}$",
                *cells,
                str(row.count),
                "**NO**" if not row.holds else "by construction" if row.by_construction else "yes",
            )
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines)

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": self._html(), "text/markdown": self._markdown(), "text/plain": repr(self)}


def _power(value, digits=5):
    """``value`` with ``digits`` significant digits, as HTML: 1.2e-09 becomes 1.2·10<sup>−9</sup>."""
    if not math.isfinite(value):
        return {math.inf: "∞", -math.inf: "−∞"}.get(value, "NaN")
    mantissa, _, exponent = f"{value:.{digits}g}".replace("-", "−").partition("e")
    if not exponent:
        return mantissa
    power = exponent.lstrip("+").replace("−0", "−").lstrip("0")
    return f"{mantissa}·10<sup>{power}</sup>" if mantissa != "1" else f"10<sup>{power}</sup>"


class Table:
    """What :func:`table` returns: HTML for pages, text elsewhere."""

    def __init__(self, columns, caption, digits):
        self.columns, self.caption, self.digits = columns, caption, digits

    def _cells(self, render):
        return list(zip(*([render(v, self.digits) for v in values] for values in self.columns.values())))

    def __repr__(self):
        rows = [tuple(self.columns), *self._cells(_plain_cell)]
        widths = [max(len(row[i]) for row in rows) for i in range(len(self.columns))]
        return "\n".join([self.caption, *("  ".join(c.rjust(w) for c, w in zip(row, widths)) for row in rows)])

    def _repr_mimebundle_(self, include=None, exclude=None):
        head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in self.columns)
        body = "".join(
            f'<tr><th scope="row">{row[0]}</th>' + "".join(f"<td>{cell}</td>" for cell in row[1:]) + "</tr>"
            for row in self._cells(_html_cell)
        )
        caption = html.escape(self.caption)
        markup = (
            f'{_STYLE}<div class="ledger-scroll" tabindex="0" role="region" aria-label="{caption}">'
            f'<table class="ledger">'
            f"<caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )
        return {"text/html": markup, "text/plain": repr(self)}


def table(columns, *, caption, digits=4):
    """Return columns of numbers as a table that a page can show.

    Parameters
    ----------
    columns : dict of str -> sequence
        All of one length; texts stay as they are, integers are printed in full, other numbers with
        ``digits`` significant digits. The first column names the rows.
    caption : str
    digits : int >= 1

    Raises
    ------
    ValueError
        No columns, columns of different lengths, an empty caption.

    Examples
    --------
    >>> from robustnn_core.ledger import table
    >>> table({"n": [5, 20], "T": [126, 402], "rate": [0.9285714, 0.9772727]}, caption="Steps")
    Steps
     n    T    rate
     5  126  0.9286
    20  402  0.9773
    """
    if not isinstance(caption, str) or not caption.strip():
        raise ValueError(f"caption = {caption!r} must say what the table shows")
    columns = {str(name): list(values) for name, values in dict(columns).items()}
    lengths = {name: len(values) for name, values in columns.items()}
    if not columns or len(set(lengths.values())) != 1 or 0 in lengths.values():
        raise ValueError(f"columns has lengths {lengths}; give every column the same number of entries, at least one")
    return Table(columns, caption, checks.integer(digits, "digits", at_least=1))


def _plain_cell(value, digits):
    if isinstance(value, str):
        return value
    return f"{value:,d}" if isinstance(value, (int, np.integer)) else f"{value:.{digits}g}"


def _html_cell(value, digits):
    if isinstance(value, str):
        return html.escape(value)
    return f"{value:,d}" if isinstance(value, (int, np.integer)) else _power(value, digits)
