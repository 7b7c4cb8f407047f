"""The process in which a submission runs, and the pipe through which it is asked: plain data goes in and comes out.

The examiner (``examiner.py``) starts :class:`School` before it has loaded an answer. The school is a warm process,
with NumPy and the package imported; for each submission it forks a warden, which forks the pupil. The pupil is confined
(``confine.py``), runs the cells of the notebook and then answers: *call this function with these arguments*. It knows
neither the checks nor what is expected. What it sends back is JSON, bounded in size, and is made into numbers, arrays,
strings and lists and nothing else; whatever an answer's type does to ``==`` or ``__array__`` happens in the pupil.
"""

import base64
import fractions
import itertools
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import struct
import sys
import tempfile
import time

import confine
import numpy as np

LARGEST = 64 * 2**20  # bytes of one message
CELL = 60  # seconds for one cell of a notebook


def plain(value, depth=0):
    """Return a value as JSON; what is no number, array, string or collection becomes the name of its type."""
    if value is None or value is Ellipsis or isinstance(value, bool | np.bool_):
        return ["e"] if value is Ellipsis else ["b", bool(value)] if isinstance(value, np.bool_) else value
    if depth > 8:
        return ["o", type(value).__name__]
    if isinstance(value, np.ndarray | np.generic):
        value = np.asarray(value)
        if value.dtype.kind in "biufcSU":
            if value.dtype.byteorder == ">":
                value = value.astype(value.dtype.newbyteorder("<"))
            data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
            return ["a", value.dtype.str, list(value.shape), data]
        if value.dtype.kind == "O":
            return ["O", list(value.shape), [plain(v, depth + 1) for v in value.ravel()]]
        return ["o", f"{value.dtype} array"]
    if isinstance(value, float):
        return float(value)
    if isinstance(value, int):
        return int(value) if abs(value) < 2**53 else ["i", hex(value)] if value.bit_length() < 10**6 else ["o", "int"]
    if isinstance(value, str):
        return ["s", str(value)]
    if isinstance(value, complex):
        return ["c", value.real, value.imag]
    if isinstance(value, fractions.Fraction):
        return ["f", hex(value.numerator), hex(value.denominator)]
    if type(value).__name__ == "Decimal":
        return ["f", *map(hex, value.as_integer_ratio())] if value.is_finite() else float(value)
    if isinstance(value, dict):
        return ["d", [[plain(k, depth + 1), plain(v, depth + 1)] for k, v in value.items()]]
    if isinstance(value, set | frozenset):
        return ["S", [plain(v, depth + 1) for v in value]]
    if isinstance(value, tuple):
        return ["t", [plain(v, depth + 1) for v in value]]
    if isinstance(value, list):
        return ["l", [plain(v, depth + 1) for v in value]]
    if isinstance(value, range) or type(value).__name__ in ("generator", "map", "zip", "filter", "dict_values"):
        return ["l", [plain(v, depth + 1) for v in itertools.islice(value, 10**6)]]
    if hasattr(value, "__array__") and not isinstance(value, type):
        return plain(np.array(value), depth + 1)
    return ["o", type(value).__name__]


def value_of(data, depth=0):
    """Return the value that :func:`plain` wrote; raise ``ValueError`` for anything else."""
    if data is None or isinstance(data, bool | int | float):
        return data
    if depth > 10 or not isinstance(data, list) or not data:
        raise ValueError("no such value")
    kind, *rest = data
    if kind == "e":
        return ...
    if kind == "b":
        return np.bool_(rest[0] is True)
    if kind == "s" and isinstance(rest[0], str):
        return rest[0]
    if kind == "i":
        return int(rest[0], 16)
    if kind == "f":
        return fractions.Fraction(int(rest[0], 16), int(rest[1], 16))
    if kind == "c":
        return complex(float(rest[0]), float(rest[1]))
    if kind == "a":
        name, shape, text = rest
        dtype = np.dtype(str(name))
        if dtype.kind not in "biufcSU" or dtype.shape or not all(type(n) is int and n >= 0 for n in shape):
            raise ValueError("no such array")
        return np.frombuffer(base64.b64decode(text), dtype=dtype).reshape(shape).copy()[()]
    if kind == "O":
        out = np.empty(len(rest[1]), dtype=object)
        out[:] = [value_of(v, depth + 1) for v in rest[1]]
        return out.reshape(rest[0])
    if kind == "d":
        return {value_of(k, depth + 1): value_of(v, depth + 1) for k, v in rest[0]}
    if kind in ("l", "t", "S"):
        return {"l": list, "t": tuple, "S": set}[kind](value_of(v, depth + 1) for v in rest[0])
    if kind == "o":
        return type(type_name(rest[0]), (), {"__slots__": ()})()
    raise ValueError("no such value")


def type_name(text):
    """Return a type's name that can stand in a sentence."""
    return "".join(c for c in str(text) if c.isalnum() or c in "_ ")[:40] or "object"


def send(to, message):
    data = json.dumps(message).encode()
    to.sendall(struct.pack("!I", len(data)) + data)


def receive(source, until=None):
    """Return the next message; raise ``EOFError`` at the end, ``ValueError`` for one that cannot be read.

    ``until``, on the monotonic clock, is when to raise ``TimeoutError``.
    """
    (length,) = struct.unpack("!I", _exactly(source, 4, until))
    if length > LARGEST:
        raise ValueError("it is too large")
    try:
        return json.loads(_exactly(source, length, until))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _exactly(source, length, until):
    parts = bytearray()
    while len(parts) < length:
        if until is not None:
            source.settimeout(max(until - time.monotonic(), 1e-3))
        part = source.recv(min(length - len(parts), 2**20))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


# ---------------------------------------------------------------- in the pupil


class _Silent:
    """Stands for ``course.grader(...)`` in a graded notebook: the examiner does the checking."""

    def __getattr__(self, name):
        return lambda *a, **k: None


def learn(shell, cells, report):
    """Run the cells; a cell that fails or takes too long costs itself only."""

    def ring(*_):
        raise TimeoutError(f"the cell took more than {CELL} seconds")

    signal.signal(signal.SIGALRM, ring)
    for number, source in enumerate(cells):
        report["cell"] = number
        signal.alarm(CELL)
        try:
            result = shell.run_cell(source, store_history=False, silent=True)
            failed = result.error_before_exec or result.error_in_exec
        except BaseException as error:  # noqa: BLE001  (an alarm at the wrong moment)
            failed = error
        finally:
            signal.alarm(0)
        if failed and "first" not in report:
            report["first"] = [number + 1, type(failed).__name__, str(failed)[:200]]
    signal.signal(signal.SIGALRM, signal.SIG_IGN)


def answer(space, question, pipe):
    """Answer one question of the examiner."""

    def given(data):
        if data[:1] != ["fn"] if isinstance(data, list) else True:
            return value_of(data)

        def function(*arguments):
            send(pipe, {"call": data[1], "arguments": [plain(a) for a in arguments]})
            return value_of(receive(pipe)["value"])

        return function

    name, arguments = question["name"], question.get("arguments")
    there = space.get(name)
    if arguments is None:
        return {"callable": True} if callable(there) else {"value": plain(there), "there": name in space}
    try:
        with np.errstate(all="ignore"):
            return {"value": plain(there(*map(given, arguments)))}
    except BaseException as error:  # noqa: BLE001  (anything a student can write)
        try:
            said = str(error)[:300]
        except BaseException:  # noqa: BLE001
            said = ""
        return {"error": [type(error).__name__, said]}


def pupil(pipe, request, shell, done, reads):
    """Be the process of one submission: confine, run the cells, answer until nobody asks any more."""
    scratch = request["scratch"]
    os.chdir(scratch)
    done |= confine.confine(
        scratch,
        reads,
        megabytes=request["megabytes"],
        seconds=request["seconds"],
        user=request["user"],
        layers=request["layers"],
    )
    report = {"done": sorted(done)}
    learn(shell, request["cells"], report)
    send(pipe, report)
    while True:
        send(pipe, answer(shell.user_ns, receive(pipe), pipe))


def warden(pipe, request, shell, reads):
    """Fork the pupil and end it when the examiner hangs up."""
    done = confine.separate(request["scratch"], 256) if "namespaces" in request["layers"] else set()
    child = os.fork()
    if child == 0:
        try:
            pupil(pipe, request, shell, done, reads)
        finally:
            os._exit(0)
    watched = os.pidfd_open(child) if hasattr(os, "pidfd_open") else None
    try:
        poll = select.poll()
        poll.register(pipe, select.POLLHUP | getattr(select, "POLLRDHUP", 0))  # not what arrives: that is the pupil's
        if watched is not None:
            poll.register(watched, select.POLLIN)
        while not poll.poll(1000) and os.getppid() > 1:
            if watched is None and os.waitpid(child, os.WNOHANG)[0]:
                return
    finally:
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            pass
    pipe.shutdown(socket.SHUT_RDWR)  # the pupil is gone: the examiner need not wait


# ---------------------------------------------------------------- in the school


def package_imports():
    """Import the package: examiner and school both need it, so it is done before they part."""
    import robustnn_core.breakdown
    import robustnn_core.convex
    import robustnn_core.course
    import robustnn_core.neurotron
    import robustnn_core.perturbations  # noqa: F401


def warm(home):
    """Import what submissions use; return an IPython shell and the folders that may be read."""
    os.environ["MPLBACKEND"] = "Agg"
    package_imports()
    import matplotlib.font_manager
    import matplotlib.pyplot  # noqa: F401
    import numba.core.caching
    import scipy.optimize
    import scipy.stats  # noqa: F401
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    import robustnn_core.figures

    numba.core.caching.Cache.save_overload = lambda *a, **k: None  # the cache is shared: pupils may only read it
    robustnn_core.course.grader = lambda page: _Silent()
    settings = Config()
    settings.HistoryManager.enabled = False
    os.environ["IPYTHONDIR"] = home
    shell = InteractiveShell.instance(config=settings)
    shell.showtraceback = shell.showsyntaxerror = lambda *a, **k: None
    package = pathlib.Path(robustnn_core.__file__).parent
    reads = [sys.prefix, sys.base_prefix, "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", str(package)]
    reads += [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    reads += [
        os.environ.get("ROBUSTNN_DATA", ""),
        numba.config.CACHE_DIR,
        matplotlib.get_configdir(),
        matplotlib.get_cachedir(),
    ]
    return shell, [path for path in reads if path]


class School:
    """A warm process that starts pupils; make it before anything secret is loaded."""

    def __init__(self):
        self.home = tempfile.mkdtemp()
        package_imports()
        self.pipe, far = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self.pipe.close()
                self._serve(far, self.home)
            finally:
                os._exit(0)
        far.close()

    @staticmethod
    def _serve(pipe, home):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        shell, reads = warm(home)
        for name in set(os.environ) - {"PATH", "LANG", "ROBUSTNN_DATA", "MPLBACKEND", "OMP_NUM_THREADS"}:
            del os.environ[name]
        pipe.sendall(b"!")
        while True:
            try:
                _, fds, _, _ = socket.recv_fds(pipe, 1, 1)
            except OSError:
                return
            if not fds:
                return
            while True:  # those that have ended
                try:
                    if os.waitpid(-1, os.WNOHANG)[0] == 0:
                        break
                except ChildProcessError:
                    break
            if os.fork() == 0:
                try:
                    pipe.close()
                    with socket.socket(fileno=fds[0]) as own:
                        request = receive(own)
                        os.environ.update(HOME=request["scratch"], TMPDIR=request["scratch"])
                        warden(own, request, shell, reads)
                finally:
                    os._exit(0)
            os.close(fds[0])

    def wait(self):
        """Return when the school is warm."""
        if self.pipe.recv(1) != b"!":
            raise RuntimeError("the process that submissions start from did not start")

    def start(self, request):
        """Start a pupil; return the pipe to it."""
        near, far = socket.socketpair()
        socket.send_fds(self.pipe, [b"p"], [far.fileno()])
        far.close()
        send(near, request)
        return near

    def close(self):
        self.pipe.close()
        shutil.rmtree(self.home, ignore_errors=True)
        for _ in range(50):
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                return
            time.sleep(0.02)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
