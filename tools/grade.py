"""Grade submissions of an assignment with otter-grader, each in a process of its own with bounds.

    .venv/bin/python tools/grade.py _build/course/instructor/grading/breakdown_assignment.zip SUBMISSION.ipynb ...

Bounds: wall-clock time, processor time, memory, size of a written file. The submission runs in a private
folder that is removed, with an empty home, without the caller's environment; its Python refuses to write
or delete outside that folder, to start programs and to open connections to other machines. NumPy, the
package and Python's own functions are put back before the tests run, whatever the submission made of them.

What this is not: a sandbox. Code that means it can leave Python (``ctypes``), read what the user can read,
and forge the points of its own run, because otter runs the tests inside the submission's process. It
protects the lecturer's machine and time from accidents and simple malice. Against students who attack,
grade in a container (``otter grade``), and look at a notebook whose points surprise.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

# Runs at the start of every Python inside; only the kernel, where the submission lives, is guarded.
GUARD = """
import os, sys
sys.modules["rfc3987_syntax"] = None  # seconds to import, for a format that no notebook has; its users do without
if "ipykernel_launcher" in " ".join(sys.orig_argv):
    import warnings
    HOME = os.path.realpath(os.environ["HOME"])
    LOCAL = ("127.", "::1", "localhost")
    def inside(path):
        if isinstance(path, int):
            return True
        real = os.path.realpath(os.fsdecode(path))
        return real.startswith(HOME + os.sep) or real == HOME or real == os.devnull
    STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty",
              "pty.spawn", "os.kill", "os.killpg")
    def guard(event, args):
        if event == "open" and args[0] is not None:
            mode, flags = args[1], args[2] or 0
            opened = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            if (opened or any(c in (mode or "") for c in "wax+")) and not inside(args[0]):
                raise PermissionError("a submission may write only in its own folder")
        elif event in ("os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.chown", "os.truncate", "shutil.rmtree"):
            if not inside(args[0]):
                raise PermissionError("a submission may change only its own folder")
        elif event in ("os.rename", "os.link", "os.symlink", "shutil.move"):
            if not (inside(args[0]) and inside(args[1])):
                raise PermissionError("a submission may change only its own folder")
        elif event in STARTS:
            raise PermissionError("a submission may not start or stop programs")
        elif event == "socket.connect" and isinstance(args[1], tuple) and not str(args[1][0]).startswith(LOCAL):
            raise PermissionError("a submission may not use the network")
        elif event == "compile":
            if b"otter.test_files" in (args[0] if isinstance(args[0], bytes) else str(args[0]).encode()):
                restore()
    # What the checks use is put back before they run, whatever the submission has replaced.
    import builtins, importlib, pkgutil, types, numpy, numpy.linalg, numpy.random, otter.test_files
    import robustnn_core.course.checks, robustnn_core.attacks, robustnn_core.laws, robustnn_core.nets
    import robustnn_core.breakdown, robustnn_core.neurotron, robustnn_core.perturbations, robustnn_core.convex
    for module in pkgutil.iter_modules(robustnn_core.course.checks.__path__):
        importlib.import_module("robustnn_core.course.checks." + module.name)
    def functions(module):
        return [f for f in vars(module).values() if type(f) is types.FunctionType]
    kept = [(name, module, dict(vars(module)), [(f, f.__code__, f.__defaults__) for f in functions(module)])
            for name, module in list(sys.modules.items())
            if name.split(".")[0] in ("builtins", "numpy", "robustnn_core") and hasattr(module, "__dict__")]
    def restore():
        for name, module, content, code in kept:
            sys.modules[name] = module
            vars(module).update(content)
            for f, body, defaults in code:
                f.__code__, f.__defaults__ = body, defaults
    sys.addaudithook(guard)
"""
RUN = (
    "from otter.run import main; main('submission.ipynb', autograder='autograder.zip', output_dir='out', no_logo=True)"
)


def _run(folder, submission, autograder, seconds, megabytes):
    """Run a submission in a process of its own inside ``folder``; return whether it ended in time."""
    for name in ("guard", "home", "home/tmp", "out"):
        (folder / name).mkdir()
    (folder / "guard" / "sitecustomize.py").write_text(GUARD)
    shutil.copyfile(submission, folder / "submission.ipynb")
    shutil.copyfile(autograder, folder / "autograder.zip")
    home = folder / "home"
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}",
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(folder / "guard"), os.environ.get("PYTHONPATH")])),
        "ROBUSTNN_CACHE": str(home / "cache"),
        "NUMBA_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MPLCONFIGDIR": str(home),
        "IPYTHONDIR": str(home),
        "LANG": "C.UTF-8",
        "PYTHONWARNINGS": "ignore",
    }

    def bound():
        resource.setrlimit(resource.RLIMIT_AS, (megabytes * 2**20,) * 2)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
        resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 2**20,) * 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    run = subprocess.Popen(
        [sys.executable, "-c", RUN],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=bound,
    )
    try:
        run.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return False
    finally:
        _end(run)
    return True


def grade(autograder, submission, *, seconds=180, megabytes=4096):
    """Grade one notebook; return ``{"points", "possible", "questions", "message"}``.

    Whatever the submission does, this returns: ``message`` says in one sentence why there are no points
    when the run was stopped or the file is no notebook.
    """
    questions, possible = _questions(autograder)
    none = {"points": 0.0, "possible": possible, "questions": dict.fromkeys(questions, 0.0)}
    try:
        cells = json.loads(Path(submission).read_text())["cells"]
        assert isinstance(cells, list)
    except (OSError, ValueError, KeyError, TypeError, AssertionError):
        return none | {"message": f"{Path(submission).name} is not a notebook; hand in the .ipynb file."}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        folder = Path(folder)
        if not _run(folder, submission, autograder, seconds, megabytes):
            return none | {
                "message": f"The notebook did not finish within {seconds} seconds; look for a loop that does not end."
            }
        try:
            tests = json.loads((folder / "out" / "results.json").read_text())["tests"]
            points = {test["name"]: float(test["score"]) for test in tests if test["name"] in questions}
            if len(points) != len(questions) or not all(0 <= points[name] <= questions[name] for name in questions):
                raise ValueError
        except (OSError, ValueError, KeyError, TypeError):
            return none | {
                "message": "The run left no valid result: the notebook stopped its own kernel or went over the memory."
            }
    return {"points": sum(points.values()), "possible": possible, "questions": points, "message": ""}


def _questions(autograder):
    """Return ``{question: points}`` of an assignment and their sum, from the archive itself."""
    import runpy
    import zipfile

    found = {}
    with zipfile.ZipFile(autograder) as archive, tempfile.TemporaryDirectory() as folder:
        for name in archive.namelist():
            if name.startswith("tests/") and name.endswith(".py"):
                test = runpy.run_path(archive.extract(name, folder))
                found[test["name"]] = float(test["points"])
    return found, sum(found.values())


def _end(run):
    """End a run and what it has started (the kernel is in a session of its own), by their numbers."""
    try:
        children = psutil.Process(run.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        children = []
    for process in (*children, run):
        try:
            process.kill()
        except (psutil.NoSuchProcess, ProcessLookupError):
            pass
    run.wait()


def main(arguments):
    if len(arguments) < 2:
        sys.exit(__doc__)
    for submission in arguments[1:]:
        result = grade(arguments[0], submission)
        each = ", ".join(f"{name} {points:g}" for name, points in result["questions"].items())
        print(f"{submission}: {result['points']:g} of {result['possible']:g} ({each}) {result['message']}")


if __name__ == "__main__":
    main(sys.argv[1:])
