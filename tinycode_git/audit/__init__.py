"""The audit chain: entries, journal, Merkle tree."""
