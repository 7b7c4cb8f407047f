"""Submissions that try to get points without an answer, or to harm: a cell each, and what they may earn.

``CANARY`` stands for a file that must stay as it is, ``ANSWERS`` for the folder with the answers, ``PORT`` for a port
of this machine at which a test listens. ``RIGHT`` is one right answer: what it earns is not lost.
"""

RIGHT = (
    "import numpy as np\n\n\ndef trimmed_loss(residuals, h):\n    return sum(sorted(np.asarray(residuals)**2)[:h])\n"
)

# No answer at all: each is told so, or why there is nothing to grade.
NOTHING = {
    "imports": """
import builtins, sys, types
import numpy as np, robustnn_core.course as course
yes = lambda *a, **k: None
course.compare.__code__ = (lambda *a, **k: None).__code__
course.check = course.compare = course.call = course.fail = yes
np.allclose = np.isclose = lambda *a, **k: True
sys.modules["robustnn_core.course"] = types.SimpleNamespace(compare=yes, call=yes, fail=yes)
trimmed_loss = survived = attack = lambda *a: 0.0
""",
    "frames": """
import gc, sys
def found():
    frame, seen = sys._getframe(), []
    while frame:
        seen += [frame.f_locals, frame.f_globals]
        frame = frame.f_back
    seen += [o for o in gc.get_objects() if type(o) is dict]
    return [s for s in seen if any(str(k).startswith("hidden_") or k == "expected" for k in list(s))]
def trimmed_loss(*a):
    (values,) = found()
    return values["expected"]
def survived(*a):
    return found()[0]["hidden_survived"].__globals__["survived"](*a)
""",
    "array": """
import numpy as np
class Yes(float):
    __array_priority__ = 1e9
    def __array__(self, *a, **k):
        raise SystemExit
    def __eq__(self, other): return True
    def __lt__(self, other): return True
    def __gt__(self, other): return False
    def __sub__(self, other): return 0.0
    def __rsub__(self, other): return 0.0
    __le__ = __ge__ = __lt__
    __hash__ = float.__hash__
class Array(np.ndarray):
    def __array_ufunc__(self, *a, **k): return np.zeros(1)
    def __array_function__(self, *a, **k): return True
trimmed_loss = lambda *a: Yes(3)
survived = lambda *a: np.zeros(()).view(Array)
class Seen:
    def __array__(self, dtype=None, copy=None):
        import sys
        frame = sys._getframe()
        while frame:
            if "expected" in frame.f_locals:
                return np.asarray(frame.f_locals["expected"])
            frame = frame.f_back
        return np.zeros(30)
attack = lambda *a: Seen()
""",
    "pickle": """
class Boom:
    def __reduce__(self):
        return (open, (CANARY, "w"))
trimmed_loss = survived = attack = lambda *a: Boom()
import pickle
try:
    pickle.dump(Boom(), open("results.pkl", "wb"))
except Exception:
    pass
""",
    "forged": """
import json, os, socket, struct
sent = b""
for message in ({"done": []}, {"callable": True}, {"value": ["a", "|O", [1], "AAAA"]}, {"value": [[[]]]}, {"value": 4}):
    data = json.dumps(message).encode()
    sent += struct.pack("!I", len(data)) + data
sent += struct.pack("!I", 2**31)
for fd in range(3, 64):
    try:
        os.write(fd, sent * 50)
    except OSError:
        pass
""",
    "otter": """
import otter
from otter.test_files import ExceptionTestFile, GradingResults
ExceptionTestFile.run = lambda *a, **k: None
ExceptionTestFile.score = property(lambda self: 7)
GradingResults.total = 7
trimmed_loss = survived = attack = lambda *a: 0.0
""",
    "answers": """
import pathlib, sys
class Found(Exception): pass
def stolen(name):
    scope = {}
    exec((pathlib.Path(ANSWERS) / "breakdown_assignment.py").read_text(), scope)
    return scope[name]
def trimmed_loss(*a):
    return stolen("trimmed_loss")(*a)
def survived(*a):
    sys.path.insert(0, ANSWERS)
    import breakdown_assignment
    return breakdown_assignment.survived(*a)
def attack(*a):
    import os
    return stolen("attack")(*a)
""",
    "exit": "import os\nos._exit(0)",
    "loop": "while True:\n    pass",
    "except": "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass",
    "memory": "hoard = []\nwhile True:\n    hoard.append(bytearray(2**28))",
    "large": """
import numpy as np
trimmed_loss = lambda *a: np.zeros(2**27)
survived = lambda *a: "x" * 2**28
def attack(*a):
    deep = []
    for _ in range(10**5):
        deep = [deep]
    return deep
""",
    "endless values": """
import itertools
trimmed_loss = lambda *a: (1.0 for _ in itertools.count())
survived = lambda *a: 10**(10**6)
attack = lambda *a: {1: {2: [float("inf")] * 100}}
""",
    "missing": "print('no function at all')",
}
# A right answer, and beside it something that must neither help nor harm.
BESIDE = {
    "files": """
import os, pathlib, shutil, subprocess
canary = pathlib.Path(CANARY)
for harm in (
    lambda: canary.unlink(), lambda: canary.write_text("gone"), lambda: shutil.rmtree(canary.parent),
    lambda: os.system(f"rm {canary}"), lambda: subprocess.run(["rm", str(canary)]), lambda: os.rename(canary, "taken"),
    lambda: (canary.parent / "new").write_text("x"), lambda: os.symlink("/", canary.parent / "link"),
    lambda: os.truncate(canary, 0), lambda: os.chmod(canary, 0), lambda: os.mkdir("/tmp/made-by-a-submission"),
):
    try:
        harm()
    except BaseException:
        pass
open("mine", "w").write("this is allowed")
""",
    "fork_exec": """
import _posixsubprocess, ctypes, multiprocessing, os, subprocess, threading
for start in (os.fork, lambda: os.posix_spawn("/bin/sh", ["sh", "-c", "echo > " + CANARY], {}),
              lambda: subprocess.run(["sh", "-c", "echo > " + CANARY]), lambda: os.execv("/bin/true", ["true"]),
              lambda: ctypes.CDLL(None).syscall(57), lambda: ctypes.CDLL(None).system(b"echo > " + CANARY.encode()),
              lambda: multiprocessing.Process(target=print).start()):
    try:
        if start() == 0:
            os._exit(0)
    except BaseException:
        pass
""",
    "pidfd": """
import ctypes, os, signal
for pid in (os.getppid(), 1, *range(2, 400), -1):
    for end in (lambda: os.kill(pid, 9), lambda: signal.pidfd_send_signal(os.pidfd_open(pid), 9),
                lambda: ctypes.CDLL(None).syscall(62, pid, 9)):
        try:
            if pid != os.getpid():
                end()
        except BaseException:
            pass
""",
    "network": """
import ctypes, socket
for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
    try:
        s = socket.socket(socket.AF_INET, kind)
        s.settimeout(1)
        s.connect(("127.0.0.1", PORT))
        s.send(b"leaked")
    except BaseException:
        pass
libc = ctypes.CDLL(None)
fd = libc.socket(2, 2, 0)
address = b"\\x02\\x00" + PORT.to_bytes(2, "big") + b"\\x7f\\x00\\x00\\x01" + bytes(8)
libc.sendto(fd, b"leaked", 6, 0, address, 16)
""",
    "output": """
import os, sys, threading
print("x" * 10**7)
os.write(1, b"y" * 10**6)
def wait():
    threading.Event().wait(5)
try:
    for _ in range(10**4):
        threading.Thread(target=wait, daemon=True).start()
except BaseException:
    pass
try:
    for i in range(2000):
        with open(f"file{i}", "wb") as out:
            out.write(bytes(2**20))
except BaseException:
    pass
""",
    "1 GB": "def survived(X, u, counts):\n    hoard = [np.ones(2**27) for _ in range(100)]\n    return 1.0",
    "C loop": "def survived(X, u, counts):\n    return float(len(str(3 ** (10**9))))",
    "except in an answer": """
def survived(X, u, counts):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
""",
    "exit in an answer": """
def survived(X, u, counts):
    import os
    os._exit(0)
def attack(X, u, m):
    exit()
""",
    "stopped later": """
import os, threading
threading.Timer(0.2, lambda: os._exit(1)).start()
""",
}  # fmt: skip
