"""``python -m tinycode_git``."""

import sys

from tinycode_git.cli import main

sys.exit(main())
