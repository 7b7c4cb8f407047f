"""What grading leaves: the table of points, a page of feedback for each student, the files of Moodle and Canvas."""

import csv
import hashlib
import html
import os
import re
from pathlib import Path

SAFE = re.compile(r"^[=+\-@\t]")  # a spreadsheet would run it


def columns(page):
    """Return the columns of the table: the same for everybody who grades with this archive."""
    each = [f"{name} {part}" for name in page["questions"] for part in ("public", "hidden")]
    return ["student", "file", "digest", "points", "possible", *each, "reason", "notes"]


def row(path, student, result):
    """Return a line of the table."""
    each = {f"{n} {part}": f"{q[part]:g}" for n, q in result["questions"].items() for part in ("public", "hidden")}
    found = {"student": student, "file": str(path), "digest": digest(path), "points": f"{result['points']:g}"}
    found |= {"possible": f"{result['possible']:g}", **each}
    found |= {"reason": result["message"] or _reason(result), "notes": " ".join(result["notes"])}
    return {key: SAFE.sub(r"'\g<0>", value) for key, value in found.items()}


def _reason(result):
    """Return why there are no points at all; empty where there are some."""
    if result["points"]:
        return ""
    return next((q["public_said"] or q["hidden_said"] for q in result["questions"].values()), "")


def digest(path):
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]
    except OSError:
        return ""


def feedback(page, student, result, *, hidden):
    """Return what a student gets to read, as HTML."""
    lines = []
    for name, q in result["questions"].items():
        said = q["public_said"] or (q["hidden_said"] if hidden else "")
        if not said and q["hidden"] < q["hidden_of"]:
            said = "The public checks passed; a check on other data did not."
        points = f"{q['public'] + q['hidden']:g} of {q['public_of'] + q['hidden_of']:g}"
        lines.append(f"<tr><td><code>{name}</code></td><td>{points}</td><td>{html.escape(said or 'Right.')}</td></tr>")
    remarks = [result["message"], *result["notes"]]
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{html.escape(student)}</title>\n'
        "<style>body{font:16px/1.5 sans-serif;max-width:45em;margin:2em auto;padding:0 1em}"
        "td,th{padding:.3em .8em;text-align:left;vertical-align:top}</style>\n"
        f"<h1>{html.escape(page['title'])}</h1>\n"
        f"<p>{html.escape(student)}: <strong>{result['points']:g} of {result['possible']:g}</strong> points</p>\n"
        + "".join(f"<p>{html.escape(remark)}</p>\n" for remark in remarks if remark)
        + "<table><tr><th>answer</th><th>points</th><th></th></tr>\n"
        + "\n".join(lines)
        + "\n</table></html>\n"
    )


def filled(source, rows, *, column=None):
    """Return a Moodle grading worksheet or a Canvas gradebook (text of the CSV) with the points in it.

    A student is found by any of the columns that name one. Lines of others stay as they are.
    """
    table = list(csv.reader(source.lstrip("\ufeff").splitlines()))
    head = table[0]
    if "Identifier" in head and "Grade" in head:
        keys, target = ("Identifier", "ID number", "Email address", "Full name"), head.index("Grade")
    elif "SIS Login ID" in head or "SIS User ID" in head:
        keys = ("ID", "SIS User ID", "SIS Login ID", "Student")
        found = [i for i, name in enumerate(head) if column and re.sub(r" \(\d+\)$", "", name) == column]
        if len(found) != 1:
            raise ValueError(
                f"column: the gradebook has {len(found)} columns called {column!r}; give --column its title"
            )
        (target,) = found
    else:
        raise ValueError("the file is neither a Moodle grading worksheet nor a Canvas gradebook; see its first line")
    comment = head.index("Feedback comments") if "Feedback comments" in head else None
    points = {r["student"]: r for r in rows}
    for line in table[1:]:
        names = [line[head.index(key)].strip() for key in keys if key in head and head.index(key) < len(line)]
        names += [name.removeprefix("Participant ") for name in names]
        match = next((points[name] for name in names if name in points), None)
        if match is not None:
            line[target] = match["points"]
            if comment is not None:
                line[comment] = match["reason"]
    out = []
    csv.writer(_Lines(out)).writerows(table)
    return "".join(out)


class _Lines:
    def __init__(self, out):
        self.write = out.append


def kept(path, page, paths):
    """Return ``{file: line}``: the lines of a table whose notebook is among the paths and unchanged."""
    with open(path, newline="") as old:
        rows = {r["file"]: r for r in csv.DictReader(old) if set(columns(page)) <= set(r) and r["digest"]}
    return {str(p): rows[str(p)] for p in paths if str(p) in rows and rows[str(p)]["digest"] == digest(p)}


def table(file, page, rows):
    """Begin a table in an open file, with the lines there are; return its writer."""
    writer = csv.DictWriter(file, columns(page), extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return writer


def replace(path, page, rows):
    """Put a table in place of the file: as a whole or not at all."""
    new = path.with_name(path.name + ".new")
    with open(new, "w", newline="") as file:
        table(file, page, rows)
    os.replace(new, path)
