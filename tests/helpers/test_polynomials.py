"""Orthogonal polynomials against torch."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from torch2jax.helpers import polynomials

FAMILIES = "chebyshev_t chebyshev_u chebyshev_v chebyshev_w hermite_h hermite_he laguerre_l legendre_p"


@pytest.mark.parametrize("name", FAMILIES.split())
def test_polynomial(name: str) -> None:
    family, kind = name.split("_")
    in_torch: Any = getattr(torch.special, f"{family}_polynomial_{kind}")
    in_jax: Any = getattr(polynomials, name)
    x, n = np.linspace(-1.2, 1.2, 7)[:, None], np.arange(-1, 9)
    found = in_jax(jnp.asarray(x), jnp.asarray(n))
    np.testing.assert_allclose(found, in_torch(torch.tensor(x), torch.tensor(n)), rtol=1e-9, atol=1e-12)
    assert float(jax.grad(lambda x: in_jax(x, 4))(0.5)) == 0  # as in PyTorch
