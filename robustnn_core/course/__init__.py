"""Checks of the exercises: ``course.grader(PAGE)`` in a notebook, ``course.check(PAGE, NAME, answer)`` anywhere.

:mod:`~robustnn_core.course.api` has what checks are made of, :mod:`~robustnn_core.course.checks` the public checks.
"""

from robustnn_core.course.api import Wrong, call, check, compare, fail, grader, numbers, parts

__all__ = ["Wrong", "call", "check", "compare", "fail", "grader", "numbers", "parts"]
