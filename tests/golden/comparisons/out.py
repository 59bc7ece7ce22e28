import jax.numpy as jnp
from flax import nnx


class Compare(nnx.Module):
    """Comparisons of numbers, of sizes, of tensors; chained and combined."""

    def __init__(self, low=-0.5, high=0.5, *, rngs: nnx.Rngs):
        assert low < 0 < high
        self.low, self.high = low, high

    def __call__(self, x):
        inside = (self.low < x) & (x <= self.high)
        outside = ~inside | (x == 0)
        if 0 < x.shape[0] <= 4 and x.shape[1] != 1:
            x = x + 1
        mean = x.mean()
        if -10 < mean < 10:
            x = x * 2
        if self.low < mean.item() and not (mean > 100):
            x = x - 1
        several = jnp.logical_and(x > 0, x < 1).any()
        return inside, outside, x, several, (x >= 0).all(), (x != x).sum(), x == x
