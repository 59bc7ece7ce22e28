"""`python -m torch2jax` is the same as `torch2jax`."""

from torch2jax.cli import main

if __name__ == "__main__":  # and not when a process that is started from it imports this module again
    main(prog_name="torch2jax")
