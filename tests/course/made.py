"""The tools that make the course; loaded by path, because this folder is called ``course`` too."""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "tools"))
import checks  # noqa: E402, F401
import confine  # noqa: E402, F401
import contents  # noqa: E402, F401
import examiner  # noqa: E402, F401
import grade  # noqa: E402, F401
import grade_many  # noqa: E402, F401
import gradebook  # noqa: E402, F401
import notebooks  # noqa: E402, F401
import pupil  # noqa: E402, F401
import question as question_tool  # noqa: E402, F401
import submission  # noqa: E402, F401

spec = importlib.util.spec_from_file_location("tools_course", ROOT / "tools" / "course.py")
course = importlib.util.module_from_spec(spec)
spec.loader.exec_module(course)
