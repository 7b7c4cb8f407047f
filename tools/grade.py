"""Grade what students handed in: one line each on the screen, a table, and feedback.

    .venv/bin/python tools/grade.py _build/course/instructor/grading/breakdown_assignment.zip handed-in/ \\
        --csv grades.csv --feedback feedback/ --jobs 2

The notebook runs in a confined process (``pupil.py``, ``confine.py``) that has neither the checks nor what is expected.
The checks run here: they ask that process for what a function returns, and get plain data. So a notebook cannot earn a
point except by returning what is right, and cannot harm the others. Any kernel name will do, and so will a notebook
whose cells fail: each function is graded as it stands.
"""

import argparse
import collections
import contextlib
import json
import re
import sys
from pathlib import Path

from examiner import MEGABYTES, SECONDS
from grade_many import examine, grade_all, questions
from gradebook import feedback, filled, kept, replace, row, table


def students(paths, pattern):
    """Return ``{path: student}``; the student is the file's name without its end, or the group of a pattern."""
    found = {}
    for path in paths:
        name = path.stem
        if pattern:
            match = re.search(pattern, path.as_posix())
            if match is None:
                raise SystemExit(f"--pattern {pattern!r} does not match {path}")
            name = match["student"] if "student" in match.groupdict() else match[1]
        found[path] = name
    twice = [name for name, n in collections.Counter(found.values()).items() if n > 1]
    if twice:
        raise SystemExit(f"two files for {', '.join(twice[:5])}: say with --pattern what in a path names the student")
    return found


def collected(arguments):
    """Return the notebooks among files and folders."""
    paths = []
    for path in map(Path, arguments):
        if path.is_dir():
            inside = [p for p in sorted(path.rglob("*.ipynb")) if ".ipynb_checkpoints" not in p.parts]
            paths += [p for p in inside if p.is_file() and not p.is_symlink()]
        else:
            paths.append(path)
    return paths


def parsed(arguments):
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="a zip of _build/course/instructor/grading")
    parser.add_argument("submissions", nargs="*", help="notebooks, or folders with notebooks")
    parser.add_argument("--csv", type=Path, help="write the table of points here, a line as soon as it is known")
    parser.add_argument("--feedback", type=Path, help="write a page for each student into this folder")
    parser.add_argument("--hidden", action="store_true", help="tell students what a hidden check found, too")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (default 2)")
    parser.add_argument("--resume", action="store_true", help="keep the lines of --csv whose notebook is unchanged")
    parser.add_argument("--pattern", help="a regular expression on the path; its group names the student")
    parser.add_argument("--fill", type=Path, action="append", default=[], help="a Moodle worksheet, a Canvas gradebook")
    parser.add_argument("--column", help="the title of the assignment in the Canvas gradebook")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="for one notebook (default 180)")
    parser.add_argument("--megabytes", type=int, default=MEGABYTES, help="for one notebook (default 2048)")
    parser.add_argument("--examine", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if not options.examine and not options.submissions:
        parser.error("no submission given")
    if not options.examine and options.resume and not options.csv:
        parser.error("--resume needs --csv")
    return options


def grade_new(options, page, names, rows):
    """Grade the notebooks that have no line yet; add each line, print it and write it as soon as it is known."""
    with contextlib.ExitStack() as stack:
        if options.csv:
            file = stack.enter_context(open(options.csv, "w", newline=""))
            writer = table(file, page, rows.values())
            file.flush()
        if options.feedback:
            options.feedback.mkdir(parents=True, exist_ok=True)
        told = set()
        todo = [path for path in names if str(path) not in rows]
        limits = {"jobs": options.jobs, "seconds": options.seconds, "megabytes": options.megabytes}
        for path, result in grade_all(options.archive, todo, **limits):
            if result.get("confined") and result["confined"] not in told:
                told.add(result["confined"])
                print(result["confined"], file=sys.stderr, flush=True)
            rows[str(path)] = found = row(path, names[path], result)
            if options.csv:
                writer.writerow(found)
                file.flush()
            if options.feedback:
                name = re.sub(r"[^\w.@ -]", "_", names[path]).strip(". ") or "_"
                page_of = feedback(page, names[path], result, hidden=options.hidden)
                (options.feedback / f"{name}.html").write_text(page_of)
            each = ", ".join(f"{n} {q['public'] + q['hidden']:g}" for n, q in result["questions"].items())
            said = f"{path}: {result['points']:g} of {result['possible']:g} ({each}) {found['reason']} {found['notes']}"
            print(said.rstrip(), flush=True)


def main(arguments=None):
    options = parsed(arguments)
    if options.examine:
        return examine(options.archive, json.loads(options.examine))
    page = questions(options.archive)
    names = students(collected(options.submissions), options.pattern)
    rows = kept(options.csv, page, names) if options.resume and options.csv.exists() else {}
    grade_new(options, page, names, rows)
    ordered = [rows[str(path)] for path in names]
    if options.csv:
        replace(options.csv, page, ordered)  # in the order of the names
    for source in options.fill:
        target = source.with_name(f"{source.stem}-filled{source.suffix}")
        target.write_text(filled(source.read_text(encoding="utf-8-sig"), ordered, column=options.column), newline="")
        print(f"{target}: ready to be imported")


if __name__ == "__main__":
    main()
