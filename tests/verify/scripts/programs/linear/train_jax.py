import jax.numpy as jnp
import optax
from flax import nnx

rngs = nnx.Rngs(0)
x = rngs.normal((20, 3))
y = x @ jnp.array([[1.0], [2.0], [3.0]]) + 0.1 * rngs.normal((20, 1))
model = nnx.Linear(3, 1, rngs=rngs)
optimizer = nnx.Optimizer(model, optax.sgd(0.1), wrt=nnx.Param)


def train_step(model, optimizer, x, y):
    graphdef, params, rest = nnx.split(model, nnx.Param, ...)

    def loss_fn(params, rest):
        return ((nnx.merge(graphdef, params, rest)(x) - y) ** 2).mean()

    loss, grads = nnx.value_and_grad(loss_fn)(params, rest)
    optimizer.update(model, grads)
    return loss


train_step = nnx.jit_partial(train_step, model, optimizer, graph=False)
for step in range(12):
    loss = train_step(x, y)
    if step % 5 == 0:
        print(f"step {step}: loss {loss.item():.4f}")
print(loss, model.kernel[...].T)
