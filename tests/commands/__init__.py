"""Tests of the verbs, each run as the process that a user runs."""
