"""Rewriting: what the interpreter found becomes Flax source."""
