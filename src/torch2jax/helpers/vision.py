"""Parts of vision transformers as timm has them."""

from collections.abc import Callable

import jax
from flax import nnx

from torch2jax.helpers.init import fan_in_uniform


class MlpBlock(nnx.Module):
    """Two linear layers with an activation between, and dropout behind both."""

    def __init__(
        self,
        in_features: int,
        hidden_features: int | None = None,
        out_features: int | None = None,
        *,
        activation: Callable[[jax.Array], jax.Array],
        use_bias: bool = True,
        rate: float = 0.0,
        rngs: nnx.Rngs,
    ) -> None:
        hidden = hidden_features or in_features
        out = out_features or in_features
        self.fc1 = nnx.Linear(in_features, hidden, use_bias=use_bias, **fan_in_uniform(in_features), rngs=rngs)
        self.act = activation
        self.drop = nnx.Dropout(rate, rngs=rngs)
        self.fc2 = nnx.Linear(hidden, out, use_bias=use_bias, **fan_in_uniform(hidden), rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """x: (..., in_features); gives (..., out_features)."""
        return self.drop(self.fc2(self.drop(self.act(self.fc1(x)))))
