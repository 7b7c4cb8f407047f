"""Do once, before the pages run, what would otherwise print into a page on a machine's first build."""

import matplotlib.font_manager  # noqa: F401  (builds its list of fonts, and says so on stderr)
