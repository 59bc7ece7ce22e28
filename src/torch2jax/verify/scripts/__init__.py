"""`torch2jax verify --script`: whole training scripts, run on both sides and compared.

A script is not built and called like a model, but run to its end: `torch_side` and `jax_side` watch what it does
there, `judging` compares.
"""

from torch2jax.verify.scripts.verifying import verify_script

__all__ = ["verify_script"]
