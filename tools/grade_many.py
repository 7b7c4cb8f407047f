"""Grade many submissions: several examiners at a time, each in a process of its own."""

import json
import os
import queue
import select
import signal
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

from examiner import LAYERS, MEGABYTES, SECONDS, Examiner, empty

COMMAND = str(Path(__file__).with_name("grade.py"))  # with ``--examine`` it calls `examine`


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
        self.command = [sys.executable, "-W", "ignore", COMMAND, str(archive), "--examine", json.dumps(options)]
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
