"""Public checks of the book's exercises: a module for each page and assignment, a function for each answer.

``EXERCISES`` of a module names the answer to each exercise, ``{label: name}``; the function ``name`` checks it and
raises :class:`robustnn_core.course.Wrong` with a sentence that says what is wrong, and not what is right. What else
the lecturer checks, and the answers, are not in the package.
"""
