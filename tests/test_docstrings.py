"""Every public example can be copied: it runs with nothing but what it imports itself."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import robustnn_core


def modules():
    for found in pkgutil.walk_packages(robustnn_core.__path__, "robustnn_core."):
        yield importlib.import_module(found.name)


def examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    for module in modules():
        for test in finder.find(module, module.__name__, module=module):
            if test.examples:
                yield test


@pytest.mark.parametrize("test", list(examples()), ids=lambda test: test.name)
def test_example_runs_when_copied(test):
    test.globs = {"__name__": "__main__"}
    said = []
    runner = doctest.DocTestRunner(verbose=False)
    runner.run(test, out=said.append)
    assert not runner.failures, "".join(said)


def public_functions():
    for module in modules():
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            if inspect.isfunction(thing) and thing.__module__ == module.__name__:
                yield pytest.param(thing, id=f"{module.__name__}.{name}")


@pytest.mark.parametrize("function", list(public_functions()))
def test_parameters_of_the_docstring_are_those_of_the_function(function):
    said = inspect.getdoc(function) or ""
    assert said.strip(), f"{function.__name__} has no docstring"
    if "\nParameters\n----------\n" not in said:
        return
    block = said.split("\nParameters\n----------\n")[1].split("\n\n")[0]
    heads = [line.split(" : ")[0] for line in block.split("\n") if line and not line.startswith(" ")]
    documented = {name.strip(" *") for head in heads for name in head.split(",")}
    real = set(inspect.signature(function).parameters)
    assert documented <= real, f"{function.__name__} documents {documented - real}, which it does not take"
