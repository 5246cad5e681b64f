"""How much memory is free for a model."""

from __future__ import annotations


def available() -> int:
    """Bytes that a program can have without others being pushed out."""
    import psutil

    return int(psutil.virtual_memory().available)


def gigabytes(size: int) -> str:
    """``size`` for a person."""
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.0f} MB"
