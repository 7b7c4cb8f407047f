"""Hold the code against the house rules and print what breaks them; ends with 1 if anything does.

Counts functions of more than 60 lines of code (docstring, comments and blank lines aside), files of more than 400
lines, comparisons with the name of a loss, underscore names taken from another module, imports that run up or between
wings, and words that the vocabulary has replaced. ``tests/book/test_house.py`` holds every count to zero.
"""

import ast
import re
import sys
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WINGS = ("breakdown", "neurotron", "perturbations", "convex")
ABOVE = ("estimators", "arena", "course")  # may import wings
LONG_FUNCTION, LONG_FILE = 60, 400
KERNELS = {"_flow", "_advance"}  # one loop each, compiled: splitting them costs what they are there for

#: What the vocabulary replaces, as whole words: a name of a function, of a parameter, of an attribute.
OLD_NAMES = (
    "partition_fit",
    "dc_fit",
    "sampled_convex",
    "robust_linear",
    "region_fits",
    "max_iterations",
    "max_sweeps",
    "max_newton",
    "sgd_errors",
    "cautious_errors",
    "feasible_corners",
    "neurotron.algorithm",
    "perturbations.algorithm",
    "perturbations.geometry",
    "convolution.stored",
)
OLD_PARAMETERS = {"iterations": "max_iter", "newton": "max_inner", "dimension": "d", "history": "trace"}


def sources(*folders):
    """Return the Python files of the package (or of other folders), as (path, text)."""
    for folder in folders or ("robustnn_core",):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path, path.read_text(encoding="utf-8")


def functions(tree):
    """Yield every function with its lines of code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def code_lines(path):
    """Return the numbers of the lines that hold code: no comment, no blank line, no docstring."""
    docstrings, lines = set(), set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            docstrings.update(range(node.lineno, node.end_lineno + 1))
    skip = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type not in skip and token.type != tokenize.ENCODING:
                lines.update(range(token.start[0], token.end[0] + 1))
    return lines - docstrings


def long_functions():
    """Functions of more than 60 lines of code."""
    found = []
    for path, text in sources("robustnn_core", "tools"):
        lines = code_lines(path)
        for node in functions(ast.parse(text)):
            inside = {i for i in lines if node.body[0].lineno <= i <= node.end_lineno}
            if len(inside) > LONG_FUNCTION and node.name not in KERNELS:
                found.append(f"{_place(path, node)} {node.name}: {len(inside)} lines of code")
    return found


def long_files():
    """Files of more than 400 lines."""
    paths = [*sources("robustnn_core", "tools"), *((p, p.read_text()) for p in ROOT.glob("robustnn_core/**/*.js"))]
    counts = [(path, text.count("\n")) for path, text in paths]
    return [f"{path.relative_to(ROOT)}: {count} lines" for path, count in counts if count > LONG_FILE]


def loss_comparisons():
    """Places that ask which loss it is by its name."""
    found = []
    for path, text in sources():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Compare):
                sides = [node.left, *node.comparators]
                names = {ast.unparse(side).split(".")[-1] for side in sides}
                values = {v.value for s in sides for v in ast.walk(s) if isinstance(v, ast.Constant)}
                if "loss" in names and values & {"squared", "hinge", "logistic"}:
                    found.append(f"{_place(path, node)} {ast.unparse(node)}")
    return found


def private_imports():
    """Underscore names taken from another module (private modules of the same package are its own business)."""
    found = []
    for path, text in sources():
        tree = ast.parse(text)
        modules = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("robustnn_core"):
                for alias in node.names:
                    modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                    if alias.name.startswith("_") and not _is_module(f"{node.module}.{alias.name}"):
                        found.append(f"{_place(path, node)} {node.module}.{alias.name}")
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr.startswith("_"):
                owner = modules.get(node.value.id, "")
                if owner and _is_module(owner) and not node.attr.startswith("__"):
                    found.append(f"{_place(path, node)} {owner}.{node.attr}")
    return found


def wrong_imports():
    """Imports that run up (ground to wing) or between wings."""
    found = []
    for path, text in sources():
        parts = path.relative_to(ROOT / "robustnn_core").parts
        here = parts[0].removesuffix(".py")
        if here in ABOVE:
            continue
        for node in ast.walk(ast.parse(text)):
            names = []
            if isinstance(node, ast.ImportFrom) and node.module == "robustnn_core":
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("robustnn_core."):
                names = [node.module.split(".")[1]]
            elif isinstance(node, ast.Import):
                names = [a.name.split(".")[1] for a in node.names if a.name.startswith("robustnn_core.")]
            for name in names:
                if name in (*WINGS, *ABOVE) and name != here:
                    found.append(f"{_place(path, node)} imports {name}")
    return found


def old_words():
    """Names that the vocabulary has replaced, in code, pages and tests."""
    found = []
    word = re.compile(rf"\b({'|'.join(OLD_NAMES)})\b")
    for folder, suffix in (
        ("robustnn_core", "*.py"),
        ("tests", "*.py"),
        ("benchmarks", "*.py"),
        ("course", "*.*"),
        ("chapters", "*.md"),
    ):
        for path in sorted((ROOT / folder).rglob(suffix)):
            if path.suffix in (".py", ".md") and path.name != "house.py":
                for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
                    found += [f"{path.relative_to(ROOT)}:{number} {name}" for name in word.findall(line)]
    for path, text in sources():
        for node in functions(ast.parse(text)):
            if not node.name.startswith("_"):
                for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
                    if argument.arg in OLD_PARAMETERS:
                        found.append(
                            f"{_place(path, node)} {node.name}({argument.arg}): say {OLD_PARAMETERS[argument.arg]}"
                        )
    return found


def _is_module(name):
    path = ROOT / Path(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def _place(path, node):
    return f"{path.relative_to(ROOT)}:{node.lineno}"


RULES = (long_functions, long_files, loss_comparisons, private_imports, wrong_imports, old_words)


def main():
    """Print every count, and what makes it up."""
    broken = 0
    for rule in RULES:
        found = rule()
        broken += len(found)
        print(f"{len(found):4d}  {rule.__doc__.strip().splitlines()[0]}")
        if "-q" not in sys.argv:
            print("".join(f"        {line}\n" for line in found), end="")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
