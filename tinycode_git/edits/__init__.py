"""Edit formats: parse, match, apply. Pure text in, text out."""
