"""What the history of a repository says: evidence for a line, a file, a commit; warnings for a change; statistics."""
