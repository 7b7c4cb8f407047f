"""A key for a function: its code, and the code and state of everything that it reaches.

What a stored result was computed with must be known before it is used again. The name of a function is
not enough, nor is its source text: its answer also depends on the functions it calls, on the globals it
reads, on what its closure and its object hold. :func:`parts` follows them all and gives each a digest,
so that a refusal can say *what* has changed.

What is followed: functions (bytecode, defaults, closure, attributes, the globals that the bytecode reads,
through modules too), classes, instances (the state that pickle would carry, without the values of a
``cached_property``), methods, ``functools.partial``, Numba's functions (as the Python they were made of),
arrays and containers. What stands for itself by name and version: the standard library and installed
packages. What cannot be followed is refused: ``eval`` and its like, open files, locks, generators, compiled
functions that hide Python ones. No digest depends on an address, a hash seed or the order of a set; bytecode
depends on Python's version.
"""

import copyreg
import dis
import functools
import hashlib
import importlib
import importlib.metadata
import importlib.util
import sys
import sysconfig
import types
from pathlib import Path

import numpy as np
import scipy.special

__all__ = ["parts"]

_ATOMS = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis), type(NotImplemented))
_HIDING = {"eval", "exec", "globals", "__import__"}  # builtins through which bytecode reaches what it does not name
_BOOKKEEPING = {"__dict__", "__weakref__", "__doc__", "__module__", "__qualname__", "__annotations__", "_abc_impl"}
_BOOKKEEPING |= {"__dataclass_params__", "__dataclass_fields__", "__static_attributes__", "__firstlineno__"}
_SLOTS = (types.MemberDescriptorType, types.GetSetDescriptorType)
_C_DESCRIPTORS = (types.WrapperDescriptorType, types.MethodDescriptorType, types.ClassMethodDescriptorType)
_CACHE = type(functools.lru_cache(repr))
_STANDARD = tuple(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib"))


def parts(value, name="task"):
    """Return a digest of everything reachable from ``value``, piece by piece.

    Parameters
    ----------
    value : object
        A function as a rule.
    name : str
        What the caller calls it, for messages and as the name of its own part.

    Returns
    -------
    dict of str -> str
        Names of functions, classes and globals, and 16 hexadecimal digits for each. Two values whose parts are
        equal do the same, on the same version of Python.

    Raises
    ------
    ValueError
        Something reachable has no key; the message says what, by which way, and what to do.

    Examples
    --------
    >>> from robustnn_core.fingerprint import parts
    >>> scale = 2.0
    >>> def half(x):
    ...     return x / scale
    >>> one = parts(half)
    >>> scale = 3.0
    >>> two = parts(half)
    >>> [name for name in one if one[name] != two[name]] # doctest: +ELLIPSIS
    ['...scale']
    """
    walk = _Walk(name)
    try:
        own = walk.digest(value, name)
    except RecursionError:
        raise walk.refusal("something nested too deeply", name) from None
    return {name: own.hex()[:16], **{label: found.hex()[:16] for label, found in walk.found.items()}}


def _mix(*pieces):
    """One digest of texts and digests, unambiguous where one ends and the next begins."""
    whole = hashlib.sha256()
    for piece in pieces:
        piece = piece.encode("utf-8", "surrogatepass") if isinstance(piece, str) else piece
        whole.update(len(piece).to_bytes(8, "little") + piece)
    return whole.digest()


@functools.cache
def _is_library(module):
    """Does the loaded module of this name come with Python or from an installed package, other than this one?"""
    if module.partition(".")[0] in ("__main__", "__mp_main__", __name__.partition(".")[0]):
        return False
    if module in sys.builtin_module_names:
        return True
    there = sys.modules.get(module)
    path = getattr(there, "__file__", None)
    if path is None:  # a namespace package, or a module made by hand
        return there is not None and module.partition(".")[0] in sys.stdlib_module_names
    path = Path(path).resolve()
    if {"site-packages", "dist-packages"} & set(path.parts):
        return True
    return any(folder in path.parents for folder in _STANDARD)


@functools.cache
def _version(module):
    """Version of the package that a library's module belongs to; '' for the standard library."""
    root = module.partition(".")[0]
    if root in sys.stdlib_module_names:
        return ""
    found = getattr(sys.modules.get(root), "__version__", None)
    if isinstance(found, str):
        return found
    try:
        return importlib.metadata.version(root)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _stands_for_itself(module):
    """Is this the name of a library's module, so that name and version say what is in it?"""
    return isinstance(module, str) and module in sys.modules and _is_library(module)


class _Walk:
    """One traversal. ``found``: label -> digest of each function, class and global met, in the order of meeting."""

    def __init__(self, root):
        self.root, self.found = root, {}
        self.labels, self.alive, self.known, self.stack = {}, [], {}, {}

    def refusal(self, what, path):
        return ValueError(
            f"{self.root} reaches {what} ({path}), whose code and state a checkpoint cannot be keyed by; "
            "pass what it needs as plain values, arrays and functions made with def, or leave checkpoint out"
        )

    # ------------------------------------------------------------ names

    def part(self, key, label, make):
        """Digest a piece under its own label, once; who reaches it mixes in the label only: that ends every cycle."""
        if key not in self.labels:
            same, count = label, 1
            while same in self.found:
                count += 1
                same = f"{label} ({count})"
            self.labels[key] = same
            self.found[same] = b""
            self.found[same] = make()
        return _mix("part", self.labels[key])

    def by_name(self, kind, module, name):
        return _mix(kind, str(module), str(name), _version(module) if isinstance(module, str) else "")

    # ------------------------------------------------------------ values

    def digest(self, value, path):
        """Digest of any value."""
        kind = type(value)
        if kind in _ATOMS:
            text = value.hex() if kind is float else hex(value) if kind is int else repr(value)
            return _mix("atom", kind.__name__, text)
        if isinstance(value, types.FunctionType):
            self.alive.append(value)
            return self.part(id(value), _label(value), lambda: self.function(value, _label(value)))
        if isinstance(value, type):
            if _stands_for_itself(value.__module__):
                return self.by_name("class", value.__module__, value.__qualname__)
            return self.part(id(value), _label(value), lambda: self.class_(value, _label(value)))
        if isinstance(value, types.ModuleType):
            return self.module(value, path)
        if id(value) in self.known:
            return self.known[id(value)]
        if id(value) in self.stack:
            return _mix("cycle", str(len(self.stack) - self.stack[id(value)]))
        self.alive.append(value)
        self.stack[id(value)] = len(self.stack)
        try:
            own = self.composite(value, kind, path)
        finally:
            del self.stack[id(value)]
        self.known[id(value)] = own
        return own

    def several(self, tag, values, path):
        return _mix(tag, *(self.digest(value, f"{path}[{i}]") for i, value in enumerate(values)))

    def mapping(self, items, path):
        pieces = []
        for key, value in items:
            pieces += [self.digest(key, f"a key of {path}"), self.digest(value, f"{path}[{key!r}]"[:200])]
        return _mix("mapping", *pieces)

    def composite(self, value, kind, path):
        if isinstance(value, types.CodeType):
            return self.code(value, path)
        if kind in (tuple, list):
            return self.several(kind.__name__, value, path)
        if isinstance(value, (set, frozenset)):
            entries = sorted(self.digest(one, f"an entry of {path}") for one in value)
            return _mix("set", self.digest(kind, path), self.digest(getattr(value, "__dict__", None), path), *entries)
        if kind in (dict, types.MappingProxyType):
            return self.mapping(value.items(), path)
        if isinstance(value, (np.ndarray, np.generic)):
            return self.array(value, path)
        if isinstance(value, (staticmethod, classmethod, types.MethodType)):
            owner = self.digest(value.__self__, f"the object of {path}") if kind is types.MethodType else b""
            return _mix(kind.__name__, self.digest(value.__func__, path), owner)
        if isinstance(value, property):
            return self.several("property", (value.fget, value.fset, value.fdel), path)
        if isinstance(value, functools.cached_property):
            return _mix("cached_property", self.digest(value.func, path))
        if isinstance(value, (functools.partial, functools.partialmethod)):
            pieces = (value.func, tuple(value.args), dict(value.keywords))
            return self.several("partial", pieces, path)
        if isinstance(value, types.CellType):
            try:
                return _mix("cell", self.digest(value.cell_contents, path))
            except ValueError as error:
                if str(error) != "Cell is empty":
                    raise
                return _mix("empty cell")
        if kind.__module__.startswith("numba."):
            inside = getattr(value, "py_func", None) or getattr(value, "_pyfunc", None)  # njit, cfunc
            inside = inside or getattr(getattr(value, "_dispatcher", None), "py_func", None)  # vectorize
            if isinstance(inside, types.FunctionType):
                options = self.digest(getattr(value, "targetoptions", None), f"options of {path}")
                return _mix("compiled", kind.__qualname__, self.digest(inside, path), options)
        if kind is _CACHE:  # the function, not what it has cached
            return _mix("lru_cache", self.digest(value.__wrapped__, path))
        if isinstance(value, np.ufunc):
            if any(getattr(home, value.__name__, None) is value for home in (np, scipy.special)):
                return self.by_name("ufunc", "numpy", value.__name__)
            raise self.refusal(f"the ufunc {value.__name__!r}, which hides the function it was made of", path)
        if isinstance(value, types.BuiltinFunctionType):
            owner = value.__self__
            if owner is None or isinstance(owner, types.ModuleType):
                return self.built_in(value)
            return _mix("built-in method", value.__qualname__, self.digest(owner, f"the object of {path}"))
        if isinstance(value, _SLOTS + _C_DESCRIPTORS):
            return self.by_name("descriptor", getattr(value.__objclass__, "__module__", ""), value.__qualname__)
        return self.instance(value, kind, path)

    def array(self, value, path):
        array = np.asarray(value)
        rest = self.digest(getattr(value, "__dict__", None), path)
        head = (type(value).__qualname__, repr(array.dtype), repr(array.shape), rest)
        if array.dtype.hasobject:
            return _mix("array", *head, self.several("entries", array.ravel().tolist(), path))
        return _mix("array", *head, np.ascontiguousarray(array).tobytes())

    def built_in(self, value):
        module = value.__module__
        path = getattr(sys.modules.get(module), "__file__", None)
        file = b"" if path is None or _stands_for_itself(module) else Path(path).read_bytes()
        return _mix(self.by_name("built-in", module, value.__qualname__), file)

    def instance(self, value, kind, path):
        """The state that pickle would carry; what pickle refuses is refused."""
        reduce = copyreg.dispatch_table.get(kind)
        try:
            state = reduce(value) if reduce else value.__reduce_ex__(4)
        except Exception:
            raise self.refusal(f"a {kind.__module__}.{kind.__qualname__}", path) from None
        if isinstance(state, str):
            module = getattr(value, "__module__", None)
            return self.by_name("name", module if isinstance(module, str) else kind.__module__, state)
        maker, arguments, inner, entries, items = (*state, None, None, None)[:5]
        if isinstance(inner, dict):
            derived = {n for c in kind.__mro__ for n, v in vars(c).items() if isinstance(v, functools.cached_property)}
            inner = {key: part for key, part in inner.items() if key not in derived}
        pieces = [self.digest(kind, path), self.digest(maker, path), self.digest(arguments, path)]
        pieces.append(self.mapping(inner.items(), path) if isinstance(inner, dict) else self.digest(inner, path))
        pieces.append(self.several("entries", [] if entries is None else entries, path))
        pieces.append(self.mapping([] if items is None else items, path))
        return _mix("instance", *pieces)

    # ------------------------------------------------------------ code

    def function(self, f, path):
        library = _stands_for_itself(f.__globals__.get("__name__"))
        pieces = ["function"]
        if hasattr(f, "registry") and hasattr(f, "dispatch") and library:  # singledispatch: its cache is no state
            return _mix(*pieces, self.mapping(f.registry.items(), path))
        if library:
            pieces.append(self.by_name("library", f.__globals__["__name__"], f.__code__.co_qualname))
        else:
            pieces.append(self.code(f.__code__, path))
            pieces.append(self.reads(f.__code__, f.__globals__, path))
        for name in ("__defaults__", "__kwdefaults__", "__dict__"):
            pieces.append(self.digest(getattr(f, name), f"{name} of {path}"))
        for name, cell in zip(f.__code__.co_freevars, f.__closure__ or ()):
            pieces.append(self.digest(cell, f"{name} in the closure of {path}"))
        return _mix(*pieces)

    def code(self, code, path):
        """What the interpreter runs, without file names and lines."""
        counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
        names = (code.co_name, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
        pieces = (*counts, *names, code.co_code, getattr(code, "co_exceptiontable", b""), code.co_consts)
        return self.several("code", pieces, path)

    def reads(self, code, namespace, path):
        """The globals that the bytecode reads, also through modules (``module.name``) and by imports of its own."""
        pieces = []
        steps = [step for step in dis.get_instructions(code) if step.opname != "EXTENDED_ARG"]
        for i, step in enumerate(steps):
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"):
                chain = [step.argval]
                for after in steps[i + 1 :]:
                    if after.opname not in ("LOAD_ATTR", "LOAD_METHOD"):
                        break
                    chain.append(after.argval)
                pieces.append(self.global_(namespace, chain, path))
            elif step.opname == "IMPORT_NAME":
                level, wanted = steps[i - 2].argval, steps[i - 1].argval
                pieces.append(self.import_(namespace, step.argval, level, wanted, path))
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                pieces.append(self.reads(constant, namespace, path))
        return _mix("reads", *pieces)

    def global_(self, namespace, chain, path):
        name = chain[0]
        if name in namespace:
            return self.attribute(namespace, namespace.get("__name__", ""), chain, path)
        builtins = namespace.get("__builtins__", {})
        builtins = builtins if isinstance(builtins, dict) else vars(builtins)
        if name in _HIDING and name in builtins:
            raise self.refusal(f"{name}(), which can run anything", path)
        return _mix("built-in" if name in builtins else "missing", name)

    def attribute(self, namespace, module, chain, path):
        """``chain[0]`` of a namespace; if that is a module, its ``chain[1]``, and so on."""
        name = chain[0]
        if name not in namespace:
            return _mix("missing", name)
        value = namespace[name]
        label = f"{module}.{name}"
        if isinstance(value, types.ModuleType) and len(chain) > 1:
            return self.attribute(vars(value), value.__name__, chain[1:], path)
        if value is importlib.import_module:
            raise self.refusal("importlib.import_module, which can run anything", path)
        home = value.__module__ if isinstance(value, (types.FunctionType, type)) else None
        if _stands_for_itself(module) and (home is None or _stands_for_itself(home)):
            return self.by_name("library", module, name)
        if isinstance(value, (types.FunctionType, type, types.ModuleType)):
            return _mix("global", name, self.digest(value, label))
        return self.part((id(namespace), name), label, lambda: self.digest(value, label))

    def import_(self, namespace, name, level, wanted, path):
        package = namespace.get("__package__") or ""
        full = importlib.util.resolve_name("." * level + name, package) if level else name
        try:
            module = importlib.import_module(full)
        except ImportError:
            return _mix("missing", full)
        if wanted:
            for one in wanted:
                if one not in vars(module):  # a submodule
                    self.import_(namespace, f"{full}.{one}", 0, None, path)
            return _mix("from", *(self.attribute(vars(module), full, [one], path) for one in wanted))
        return self.module(module, path)

    def module(self, module, path):
        """A module that is handed about as a whole: everything in it."""
        name = module.__name__
        if _stands_for_itself(name):
            return self.by_name("module", name, "")

        def make():
            inside = [n for n in sorted(vars(module)) if not (n.startswith("__") and n.endswith("__"))]
            return _mix("module", *(self.attribute(vars(module), name, [n], path) for n in inside))

        return self.part(id(module), name, make)

    def class_(self, cls, path):
        pieces = ["class", *(self.digest(base, path) for base in (type(cls), *cls.__bases__))]
        for name, value in vars(cls).items():
            if name not in _BOOKKEEPING:
                pieces += [name, self.digest(value, f"{path}.{name}")]
        return _mix(*pieces)


def _label(value):
    return f"{value.__module__}.{value.__qualname__}"
