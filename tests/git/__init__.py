"""Tests of the parts that talk to git."""
