"""Tests of plans: proposed, approved, taken back, recovered, on real repositories."""
