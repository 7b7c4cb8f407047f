"""Grading with otter-grader where a notebook names a kernel that is not there; the checks are in :mod:`.api`."""

__all__ = ["AnyKernel"]


class AnyKernel:
    """A plugin of otter-grader, named in an archive's ``otter_config.json``: every notebook runs in ``python3``.

    ``otter run`` starts the kernel that the notebook names. A student's may be called ``myenv``; it is not where the
    notebook is graded, and the whole notebook would count as empty.

    Parameters
    ----------
    *_
        What otter-grader gives every plugin: the notebook's path, its metadata, a configuration.

    Examples
    --------
    >>> from robustnn_core.course.kernel import AnyKernel
    >>> notebook = {"metadata": {"kernelspec": {"name": "myenv", "display_name": "My own"}}}
    >>> AnyKernel("a.ipynb", {}, {}).before_execution(notebook)["metadata"]["kernelspec"]["name"]
    'python3'
    """

    def __init__(self, *_):
        pass

    def before_execution(self, submission):
        """Return the notebook with its kernel's name replaced; a script as it is.

        Parameters
        ----------
        submission : NotebookNode or str
            What is about to be run.

        Returns
        -------
        NotebookNode or str
            The same, changed in place.
        """
        if hasattr(submission, "keys"):
            kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
            submission["metadata"]["kernelspec"] = kernel
        return submission
