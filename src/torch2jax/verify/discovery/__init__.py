"""What to build and call in a program that nobody has said it of."""

from torch2jax.verify.discovery.finding import EXAMPLES, Discovery, collected, discover, search

__all__ = ["EXAMPLES", "Discovery", "collected", "discover", "search"]
