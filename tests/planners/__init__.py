"""Planners: from bytes and a snapshot to a proposal."""
