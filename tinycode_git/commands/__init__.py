"""One module per verb: parse, call one flow, render. What they share is in ``app``."""
