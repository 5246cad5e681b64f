"""Recipes: planners that need no model. See ``registry``."""
