"""Plans: steps, record, materialise, approve, roll back, recover."""
