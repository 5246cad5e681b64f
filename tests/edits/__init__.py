"""Edit formats: pure text in, text out, with git itself as the judge."""
