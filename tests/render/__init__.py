"""What people and programs read, held to the letter."""
