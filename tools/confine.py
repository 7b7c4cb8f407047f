"""Bounds for a process that runs code nobody has read: what it may see, write, start, reach and use up.

Linux gives these to everybody, without a container: *Landlock* names the only folders that can be read or written,
*seccomp* refuses the network, other programs and signals, namespaces take the network and other processes out of
sight, and resource limits bound memory, processor time and files. Each layer that the machine has is used; `missing`
names in words what this machine cannot refuse, and whoever grades is told.
"""

import ctypes
import errno
import os
import platform
import resource
import struct
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 22, 38
CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 1 << 17, 1 << 27, 1 << 28, 1 << 29, 1 << 30
CLONE_THREAD = 1 << 16

# Refused system calls, with their numbers on x86_64 and aarch64 (-1: there is none).
REFUSED = {
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200),
    "fork": (57, -1), "vfork": (58, -1), "execve": (59, 221), "execveat": (322, 281),
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "pidfd_open": (434, 434), "pidfd_send_signal": (424, 424),
    "pidfd_getfd": (438, 438), "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "unshare": (272, 97),
    "setns": (308, 268), "bpf": (321, 280), "perf_event_open": (298, 241), "io_uring_setup": (425, 425),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "userfaultfd": (323, 282),
    "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180), "memfd_create": (319, 279),
}  # fmt: skip
MACHINES = {"x86_64": (0, 0xC000003E, 56), "aarch64": (1, 0xC00000B7, 220)}  # column, its name in seccomp, clone
CLONE3 = 435


def _refuse_calls():
    """Refuse the calls above, and a ``clone`` that makes a process and not a thread."""
    column, machine, clone = MACHINES[platform.machine()]
    load, equal, at_least, has, give = 0x20, 0x15, 0x35, 0x45, 0x06
    kill, allow = 0x80000000, 0x7FFF0000

    def error(number):
        return 0x00050000 | number

    code = [(load, 0, 0, 4), (equal, 1, 0, machine), (give, 0, 0, kill), (load, 0, 0, 0)]
    code += [(at_least, 0, 1, 0x40000000), (give, 0, 0, kill)]  # another numbering of the same calls
    code += [(equal, 0, 1, CLONE3), (give, 0, 0, error(errno.ENOSYS))]  # its flags cannot be read; clone's can
    for numbers in REFUSED.values():
        if numbers[column] >= 0:
            code += [(equal, 0, 1, numbers[column]), (give, 0, 0, error(errno.EPERM))]
    code += [(equal, 0, 3, clone), (load, 0, 0, 16), (has, 1, 0, CLONE_THREAD), (give, 0, 0, error(errno.EPERM))]
    code += [(give, 0, 0, allow)]
    body = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in code))
    program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(body))
    return LIBC.prctl(PR_SET_SECCOMP, 2, ctypes.c_char_p(program), 0, 0) == 0


def _allow_folders(reads, writes):
    """Let files be read only under ``reads`` and ``writes``, and written only under ``writes`` (Landlock)."""
    create, add, restrict = 444, 445, 446
    version = LIBC.syscall(create, None, 0, 1)
    if version < 1:
        return False
    everything = (1 << {1: 13, 2: 14}.get(version, 15 if version < 5 else 16)) - 1
    read, file = 1 | 1 << 2 | 1 << 3, 1 | 1 << 1 | 1 << 2 | 1 << 14  # of a file: execute, write, read, truncate
    rules = LIBC.syscall(create, ctypes.c_char_p(struct.pack("Q", everything)), 8, 0)
    if rules < 0:
        return False
    for folders, access in ((reads, read), (writes, everything)):
        for folder in folders:
            try:
                at = os.open(folder, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue
            allowed = access & everything & (-1 if os.path.isdir(folder) else file)
            LIBC.syscall(add, rules, 1, ctypes.c_char_p(struct.pack("=Qi", allowed, at)), 0)
            os.close(at)
    done = LIBC.syscall(restrict, rules, 0) == 0
    os.close(rules)
    return done


def separate(scratch, megabytes):
    """Take this process's next child out of the machine's network and processes; return what could be done.

    ``scratch`` becomes a disk in memory of ``megabytes``, so nothing needs cleaning and no disk fills up.
    """
    if sys.platform != "linux":
        return set()
    uid, gid, done = os.getuid(), os.getgid(), set()
    if uid and LIBC.unshare(CLONE_NEWUSER) == 0:
        for name, line in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{name}", "w") as out:
                out.write(line)
    for flag, name in ((CLONE_NEWPID, "processes"), (CLONE_NEWNET, "network"), (CLONE_NEWIPC, "")):
        if LIBC.unshare(flag) == 0:
            done.add(name)
    if LIBC.unshare(CLONE_NEWNS) == 0:
        private = LIBC.mount(None, b"/", None, 1 << 18 | 1 << 14, None) == 0  # later mounts stay ours
        if private and LIBC.mount(b"tmpfs", os.fsencode(scratch), b"tmpfs", 6, f"size={megabytes}m".encode()) == 0:
            os.chmod(scratch, 0o777)
            done.add("disk")
    return done - {""}


def confine(scratch, reads, *, megabytes, seconds, user, layers=("user", "folders", "calls")):
    """Bound this process for good; return what is refused by now, as words for :func:`missing`."""
    done = set()
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize() if sys.platform == "linux" else 0
    for limit, value in (
        (resource.RLIMIT_AS, used + megabytes * 2**20),  # of its own, over what the warm process has mapped
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 64 * 2**20),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 256),
    ):
        try:
            resource.setrlimit(limit, (value, value))
        except (OSError, ValueError):  # macOS has no bound on addresses
            pass
    if sys.platform == "linux":
        LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        devices = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
        if "folders" in layers and _allow_folders([*reads, *devices[1:]], [scratch, devices[0]]):
            done.add("files")
    if "user" in layers and os.getuid() == 0 and "files" not in done:  # else it may need what only root can read
        os.chmod(scratch, 0o777)
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        done.add("signals")
    if sys.platform == "linux":
        LIBC.capset(ctypes.c_char_p(struct.pack("Ii", 0x20080522, 0)), ctypes.c_char_p(bytes(24)))  # no power of root
        LIBC.prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0)
        if "calls" in layers and platform.machine() in MACHINES and _refuse_calls():
            done |= {"network", "processes", "signals"}
    return done


def missing(done):
    """Return a sentence on what this machine cannot refuse to a submission; empty if it can refuse everything."""
    words = {
        "files": "read and write the files that you can",
        "network": "use the network",
        "processes": "start programs",
        "signals": "stop your other programs, the grading among them",
    }
    left = [words[name] for name in words if name not in done]
    return f"This machine cannot confine a submission: it could {', '.join(left)}. Use Linux." if left else ""
