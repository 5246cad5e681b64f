"""The git hooks of git tiny: one short module a hook, a lean way in (``git-tiny-hook``), and their installer."""
