"""Interactive figures that work in the static page without a kernel, and in Jupyter with one.

Everything a reader can choose is computed when the page is built and travels inside the page; a small
front end (``front.js``, no dependency, nothing fetched) shows the chosen part. Two kinds:

* :func:`frames`: one drawing for each combination of the controls, made with matplotlib;
* :func:`curves`: arrays for each combination, drawn as lines in the browser, with a cursor that reads
  the values out.

Both return an :class:`Explorer`, the last line of a cell. Caption and name come from the page
(``mystnb: {figure: {caption, name}}``). A third kind needs a function here that fills
``Explorer(kind=, spec=, blobs=...)`` and an entry of ``kinds`` in ``front.js``.

Labels are plain text with Unicode (``"θ"``, ``"λ₁"``, ``"|w − w*|²"``): they also stand in select boxes
and in the names that screen readers speak.

Size: a drawing costs 3-6 kB compressed; a curve of N points at most 4 N bytes, curves that repeat are
stored once, and numbers are stored to two digits more than they are read out with. In the page the
compressed bytes are written in base64 (4/3 as long). ``Explorer.size`` tells.
"""

from robustnn_core.explorers.curves import Series, curves
from robustnn_core.explorers.frames import frames
from robustnn_core.explorers.widget import Control, Explorer

__all__ = ["Control", "Explorer", "Series", "curves", "frames"]
