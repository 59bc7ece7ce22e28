"""Properties, static and class methods, printing, class attributes, super with a mixin."""
from collections.abc import Iterator

import jax
import jax.numpy as jnp
from flax import nnx


class Describable:
    verbose = False

    def describe(self):
        return f"{type(self).__name__} with {self.num_params} parameters"


# Helpers without a Flax equivalent.


def absolute(x: jax.Array) -> jax.Array:
    """|x| with the gradient 0 at 0, where that of `jnp.abs` is 1."""
    return jnp.abs(x) if jnp.iscomplexobj(x) else x * jnp.sign(x)


def parameters(module: nnx.Module) -> Iterator[nnx.Param[jax.Array]]:
    """The parameters of a module and all below it, each once."""
    return (node for _, node in nnx.iter_graph(module) if isinstance(node, nnx.Param))


class Scale(nnx.Module, Describable):
    __constants__ = ["eps"]
    eps: float = 1e-3
    max_value: int

    def __init__(self, dim=4, init=1.0, *, rngs: nnx.Rngs):
        self.weight = nnx.Param(self.initial(dim, init))
        self._dim = dim

    @property
    def dim(self):
        return self._dim

    @property
    def device(self):
        value = next(parameters(self))
        return jax.devices()[0]

    @property
    def num_params(self):
        # TODO(torch2jax): T2J103 torch.Tensor.requires_grad: JAX arrays do not record what is done with them
        return sum(p.size for p in parameters(self) if p[...].requires_grad)

    @staticmethod
    def initial(dim, value):
        return jnp.full((dim,), value)

    @classmethod
    def from_config(cls, config, *, rngs: nnx.Rngs):
        return cls(dim=config["dim"], init=config.get("init", 0.5), rngs=rngs)

    def extra_repr(self) -> str:
        return "dim={}, eps={eps}".format(self._dim, eps=self.eps)

    def __call__(self, x):
        return (
            x * self.weight[...] / (absolute(x).sum(axis=-1, keepdims=True) + self.eps) * self.dim
        )

    def __len__(self):
        return self._dim
