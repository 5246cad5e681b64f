"""What people and programs read: tables, diffs, progress, JSON."""
