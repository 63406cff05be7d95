"""A sentence of an answer against passages: is it supported, by which span, and if not, why."""
