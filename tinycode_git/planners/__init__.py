"""Planners: each turns a task into steps, reading a snapshot and writing nothing."""
