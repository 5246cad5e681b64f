"""Processes that a test started, found by what git tiny marks them with."""

from __future__ import annotations

import os

import psutil


def marked() -> list[psutil.Process]:
    """What runs for git tiny under supervision, in this test's world, and has not ended."""
    found = []
    for process in psutil.process_iter():
        try:
            env = process.environ()
            if "TINY_RUN" in env and env.get("HOME") == os.environ["HOME"] and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found
