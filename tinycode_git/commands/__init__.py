"""One module per verb: parse, call one flow, render."""
