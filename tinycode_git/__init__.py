"""git tiny: a local-first coding assistant that works only through git."""

__version__ = "0.1.0"
