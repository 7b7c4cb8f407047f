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
import csv
import hashlib
import html
import json
import os
import queue
import re
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

import confine
import pupil

SECONDS, MEGABYTES = 180, 2048
LAYERS = ("namespaces", "user", "folders", "calls")
LARGEST = 64 * 2**20  # bytes of a notebook


class Gone(Exception):
    """The pupil has ended, or is ended because it did not answer in time."""


class Submission:
    """One submission and its pupil, started again when an answer has taken it down."""

    def __init__(self, school, cells, *, seconds, megabytes, layers):
        self.school, self.until, self.pipe = school, time.monotonic() + seconds, None
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.request = {"cells": cells, "scratch": self.folder.name, "seconds": seconds, "megabytes": megabytes}
        self.request |= {"user": 61_000 + os.getpid() % 4000, "layers": list(layers)}

    def start(self):
        """Run the cells, if no pupil has them; return its report."""
        if self.pipe is not None:
            return self.report
        self.pipe = self.school.start(self.request)
        try:
            self.report = pupil.receive(self.pipe, self.until)
            if not isinstance(self.report, dict):
                raise ValueError
        except TimeoutError:
            self.end()
            raise Gone(
                f"The notebook did not finish within {self.request['seconds']} seconds; look for a loop that does not "
                "end outside of a function."
            ) from None
        except (EOFError, ValueError, OSError, TypeError):
            self.end()
            raise Gone(
                "The notebook ended its own process: it called exit, or needed more than "
                f"{self.request['megabytes']} MB of memory or {self.request['seconds']} seconds of the processor."
            ) from None
        return self.report

    def ask(self, question):
        """Return the pupil's answer; whatever goes wrong, the pupil is ended and ``Gone`` or an error is raised."""
        if self.pipe is None:
            raise Gone("ended")
        try:
            pupil.send(self.pipe, question)
            return pupil.receive(self.pipe, self.until)
        except TimeoutError:
            self.end()
            raise
        except (EOFError, OSError):
            self.end()
            raise Gone("ended") from None
        except (
            BaseException
        ):  # the alarm of `call`, or a message that cannot be read: what follows would be out of step
            self.end()
            raise

    def answer(self, name):
        """Return what the notebook has under a name: a function that asks the pupil, or a value."""
        from robustnn_core.course import fail

        found = self.ask({"name": name})
        if not isinstance(found, dict) or not found.get("callable"):
            return pupil.value_of(found["value"])

        def function(*arguments):
            given = {n: a for n, a in enumerate(arguments) if callable(a)}  # stay here; the pupil asks for their values
            sent = [["fn", n] if n in given else pupil.plain(a) for n, a in enumerate(arguments)]
            try:
                got = self.ask({"name": name, "arguments": sent})
                while "call" in got:
                    value = given[got["call"]](*map(pupil.value_of, got["arguments"]))
                    got = self.ask({"value": pupil.plain(value)})
                if "error" in got:
                    kind, said = got["error"]
                    raise type(pupil.type_name(kind), (Exception,), {})(str(said)[:300])
                return pupil.value_of(got["value"])
            except Gone:
                fail(f"{name} ended its process: it called exit, or needed more memory than there is.")
            except (ValueError, KeyError, TypeError, OverflowError, AttributeError) as error:
                fail(f"{name} returned something that cannot be read ({error}).")

        return function

    def end(self):
        if self.pipe is not None:
            self.pipe.close()
            self.pipe = None

    def close(self):
        self.end()
        self.folder.cleanup()


@contextlib.contextmanager
def bounded(seconds):
    """Bound the processor time of a check: it may loop over what an answer returned."""

    def ring(*_):
        raise TimeoutError("the check took too long")

    before = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


class Examiner:
    """Grades with one archive; make it before anything else, so that its school knows nothing of the answers."""

    def __init__(self, archive):
        self.school = pupil.School()
        with zipfile.ZipFile(archive) as packed:
            self.page = json.loads(packed.read("questions.json"))
            source = packed.read("hidden.py").decode()
        self.hidden = {"__name__": "hidden"}
        exec(compile(source, "hidden.py", "exec"), self.hidden)
        self.school.wait()

    def grade(self, submission, *, seconds=SECONDS, megabytes=MEGABYTES, layers=LAYERS):
        """Grade one notebook; whatever it does, return the result, with a sentence where there is nothing to grade."""
        result = empty(self.page)
        try:
            cells, note = read(submission)
        except ValueError as error:
            return result | {"message": str(error)}
        result["notes"] += note
        work = Submission(self.school, cells, seconds=seconds, megabytes=megabytes, layers=layers)
        try:
            self._grade(work, result)
        except Gone as gone:
            result["message"] = str(gone)
        finally:
            work.close()
        result["points"] = sum(q["public"] + q["hidden"] for q in result["questions"].values())
        return result

    def _grade(self, work, result):
        from robustnn_core import course

        report = work.start()
        result["confined"] = confine.missing(report.get("done", []))
        first = report.get("first")
        if not any(work.ask({"name": name}) != {"value": None, "there": False} for name in result["questions"]):
            why = f" The first cell that failed is number {first[0]}, with {first[1]}." if first else ""
            raise Gone(
                one_line(
                    f"No answer of this assignment found: it asks for {', '.join(result['questions'])}. "
                    f"Is this the right notebook?{why}"
                )
            )
        if first:
            result["notes"].append(one_line(f"Cell {first[0]} failed with {first[1]}: {first[2]}"))
        for name, question in result["questions"].items():
            for part in ("public", "hidden"):
                if part == "hidden" and work.pipe is None:
                    question["hidden_said"] = f"{name} took down its process at the public check."
                    continue
                work.start()
                try:
                    with bounded(60):
                        if part == "public":
                            course.check(self.page["page"], name, work.answer(name))
                        else:
                            self.hidden[f"hidden_{name}"](work.answer(name))
                    question[part] = question[f"{part}_of"]
                except course.Wrong as wrong:
                    question[f"{part}_said"] = one_line(str(wrong))
                except Exception as error:  # noqa: BLE001  (the check stumbled over what the answer returned)
                    question[f"{part}_said"] = one_line(
                        f"{name} returned something that cannot be used here ({type(error).__name__})."
                    )

    def close(self):
        self.school.close()


def one_line(text):
    """Return a sentence that can stand in a table: one line, printable, not endless."""
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split()))[:500]


def empty(page, message=""):
    """Return a result without points."""
    questions = {
        name: {"public": 0.0, "hidden": 0.0, "public_said": "", "hidden_said": ""}
        | {"public_of": float(public), "hidden_of": float(hidden)}
        for name, (public, hidden) in page["questions"].items()
    }
    possible = sum(q["public_of"] + q["hidden_of"] for q in questions.values())
    return {"points": 0.0, "possible": possible, "questions": questions, "message": message, "notes": []}


def read(submission):
    """Return the code cells of a notebook and remarks about it; raise ``ValueError`` with a sentence if it is none."""
    name = Path(submission).name
    try:
        if Path(submission).stat().st_size > LARGEST:
            raise ValueError(f"{name} is larger than {LARGEST // 2**20} MB: clear its outputs and hand it in again.")
        content = json.loads(Path(submission).read_text(encoding="utf-8-sig"))
        cells = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
        sources = [c["source"] if isinstance(c["source"], str) else "".join(c["source"]) for c in cells]
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, RecursionError):
        raise ValueError(f"{name} is not a notebook; hand in the .ipynb file.") from None
    ran = any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
    return sources, [] if ran or not cells else ["It was handed in without having been run (no outputs)."]


# ---------------------------------------------------------------- many submissions


def examine(archive, options):
    """Grade the paths that come in, line by line; a line of JSON goes out for each."""
    examiner = Examiner(archive)
    out, sys.stdout = sys.stdout, sys.stderr
    print(json.dumps("ready"), file=out, flush=True)
    for line in sys.stdin:
        print(json.dumps(examiner.grade(json.loads(line), **options)), file=out, flush=True)
    examiner.close()


class Desk:
    """An examiner in a process of its own; a submission that takes it down costs that submission only."""

    def __init__(self, archive, options):
        self.command = [sys.executable, "-W", "ignore", __file__, str(archive), "--examine", json.dumps(options)]
        self.options, self.run = options, None

    def grade(self, path, page):
        if self.run is None or self.run.poll() is not None:
            one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
            self.run = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
                env=os.environ | one,
            )  # fmt: skip
            if self._line(300) != "ready":
                raise SystemExit("the examiner did not start; its message stands above")
        try:
            self.run.stdin.write(json.dumps(str(path)).encode() + b"\n")
            self.run.stdin.flush()
            result = self._line(self.options["seconds"] + 120)
        except OSError:
            result = None
        if result is None:
            self.close()
            return empty(page, "Grading this notebook ended the examiner; look at it by hand.")
        return result

    def _line(self, seconds):
        until, got = time.monotonic() + seconds, b""
        while not got.endswith(b"\n"):
            if not select.select([self.run.stdout], [], [], max(until - time.monotonic(), 0))[0]:
                return None
            part = os.read(self.run.stdout.fileno(), 2**16)
            if not part:
                return None
            got += part
        return json.loads(got)

    def close(self):
        if self.run is not None:
            self.run.stdin.close()
            try:
                self.run.wait(timeout=3)
            except subprocess.TimeoutExpired:
                os.killpg(self.run.pid, signal.SIGKILL)
                self.run.wait()
            self.run = None


def grade_all(archive, paths, *, jobs=2, seconds=SECONDS, megabytes=MEGABYTES, layers=LAYERS):
    """Yield ``(path, result)`` for every notebook, in the order in which they are done."""
    page, todo, done = questions(archive), queue.SimpleQueue(), queue.SimpleQueue()
    paths = list(paths)
    for path in paths:
        todo.put(path)
    options = {"seconds": seconds, "megabytes": megabytes, "layers": list(layers)}

    def work():
        desk = Desk(archive, options)
        try:
            while True:
                try:
                    path = todo.get_nowait()
                except queue.Empty:
                    return
                done.put((path, desk.grade(path, page)))
        except BaseException as error:  # noqa: BLE001
            done.put((None, error))
        finally:
            desk.close()

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(jobs, len(paths)))]
    for thread in threads:
        thread.start()
    for _ in paths:
        path, result = done.get()
        if path is None:
            raise result
        yield path, result
    for thread in threads:
        thread.join()


def questions(archive):
    """Return ``{"page": ..., "title": ..., "questions": {name: [public, hidden]}}`` of an archive."""
    try:
        with zipfile.ZipFile(archive) as packed:
            return json.loads(packed.read("questions.json"))
    except (OSError, zipfile.BadZipFile, KeyError):
        raise SystemExit(f"{archive} is not an archive to grade with; make it with `make course`") from None


# ---------------------------------------------------------------- tables and feedback

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


def main(arguments=None):
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
    if options.examine:
        return examine(options.archive, json.loads(options.examine))
    if not options.submissions:
        parser.error("no submission given")
    if options.resume and not options.csv:
        parser.error("--resume needs --csv")
    page = questions(options.archive)
    names = students(collected(options.submissions), options.pattern)
    rows = {}
    if options.resume and options.csv.exists():
        with open(options.csv, newline="") as old:
            rows = {r["file"]: r for r in csv.DictReader(old) if set(columns(page)) <= set(r) and r["digest"]}
        rows = {str(p): rows[str(p)] for p in names if str(p) in rows and rows[str(p)]["digest"] == digest(p)}
    with contextlib.ExitStack() as stack:
        if options.csv:
            file = stack.enter_context(open(options.csv, "w", newline=""))
            table = csv.DictWriter(file, columns(page), extrasaction="ignore")
            table.writeheader()
            table.writerows(rows.values())
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
                table.writerow(found)
                file.flush()
            if options.feedback:
                name = re.sub(r"[^\w.@ -]", "_", names[path]).strip(". ") or "_"
                page_of = feedback(page, names[path], result, hidden=options.hidden)
                (options.feedback / f"{name}.html").write_text(page_of)
            each = ", ".join(f"{n} {q['public'] + q['hidden']:g}" for n, q in result["questions"].items())
            said = f"{path}: {result['points']:g} of {result['possible']:g} ({each}) {found['reason']} {found['notes']}"
            print(said.rstrip(), flush=True)
    ordered = [rows[str(path)] for path in names]
    if options.csv:  # in the order of the names, as a whole or not at all
        new = options.csv.with_name(options.csv.name + ".new")
        with open(new, "w", newline="") as file:
            table = csv.DictWriter(file, columns(page), extrasaction="ignore")
            table.writeheader()
            table.writerows(ordered)
        os.replace(new, options.csv)
    for source in options.fill:
        target = source.with_name(f"{source.stem}-filled{source.suffix}")
        target.write_text(filled(source.read_text(encoding="utf-8-sig"), ordered, column=options.column), newline="")
        print(f"{target}: ready to be imported")


if __name__ == "__main__":
    main()
