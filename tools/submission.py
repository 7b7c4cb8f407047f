"""A submission: the cells of its notebook, and the confined process (``pupil.py``) that runs and answers for it."""

import json
import os
import tempfile
import time
from pathlib import Path

import pupil

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
