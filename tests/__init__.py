"""Tests on real repositories, real git and real processes."""
