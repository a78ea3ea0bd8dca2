"""Measures what was promised, beside a named peer in the same run; `./kazasu bench` prints the tables."""
