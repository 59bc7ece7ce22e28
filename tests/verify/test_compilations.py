"""Programs are compiled once while rules are checked, and JAX's settings are put back."""

from pathlib import Path

import jax
import jax.numpy as jnp

from torch2jax.verify.compilations import kept_compilations


def test_programs_are_kept_while_it_lasts() -> None:
    before = jax.config.jax_compilation_cache_dir
    with kept_compilations() as folder:
        jax.jit(lambda x: jnp.sin(x) * 3.25)(jnp.ones(7))
        kept = len(list(Path(folder).iterdir()))
        jax.clear_caches()
        jax.jit(lambda x: jnp.sin(x) * 3.25)(jnp.ones(7))
        assert len(list(Path(folder).iterdir())) == kept > 0
    assert not Path(folder).exists()
    assert jax.config.jax_compilation_cache_dir == before
