"""Do once, before the pages run, what would otherwise print into a page, or beside it, on a machine's first build."""

import os
from pathlib import Path

import matplotlib.font_manager  # noqa: F401  (builds its list of fonts, and says so on stderr)

# A kernel warns that it talks to this machine without encryption, once a page; errors are still said.
profile = Path(os.environ.get("IPYTHONDIR", ".cache/ipython")) / "profile_default"
profile.mkdir(parents=True, exist_ok=True)
(profile / "ipython_kernel_config.py").write_text('c = get_config()  # noqa: F821\nc.IPKernelApp.log_level = "ERROR"\n')
