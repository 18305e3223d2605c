"""The console: a Textual application that draws what the supervisor says and passes on keys.

Textual reads its environment at import, so its defaults for a slow line are set here, first.
"""

from __future__ import annotations

import os

os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
os.environ.setdefault("ESCDELAY", "50")
