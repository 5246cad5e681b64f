"""``python -m tinycode_hooks NAME ARGS..``: the same as ``git-tiny-hook``."""

from __future__ import annotations

import sys

from tinycode_hooks.entry import main

sys.exit(main())
