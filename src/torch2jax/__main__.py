"""`python -m torch2jax` is the same as `torch2jax`."""

from torch2jax.cli import main

main(prog_name="torch2jax")
