"""What a model gets to see of a repository: an index of definitions, a ranking, and pieces that fit a budget."""
