"""The command line as its users meet it: real processes, real shells, real pages."""
