"""The examiner: holds what a submission answers against the public and the hidden checks of one archive."""

import contextlib
import json
import signal
import zipfile

import confine
import pupil
from submission import Gone, Submission, read

SECONDS, MEGABYTES = 180, 2048
LAYERS = ("namespaces", "user", "folders", "calls")


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
