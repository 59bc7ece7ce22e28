import jax
import jax.numpy as jnp
import optax
from flax import nnx

rngs = nnx.Rngs(1)


def criterion(p, target):
    return -jnp.mean(target * jnp.clip(jnp.log(p), min=-100) + (1 - target) * jnp.clip(jnp.log1p(-p), min=-100))


def leaky(x):
    return nnx.leaky_relu(x, 0.2)


generator = nnx.Sequential(nnx.Linear(4, 8, rngs=rngs), leaky, nnx.Linear(8, 2, rngs=rngs))
discriminator = nnx.Sequential(
    nnx.Linear(2, 8, rngs=rngs), leaky, nnx.Dropout(0.2, rngs=rngs), nnx.Linear(8, 1, rngs=rngs), nnx.sigmoid
)
optimizer_d = nnx.Optimizer(discriminator, optax.adam(0.01, b1=0.5), wrt=nnx.Param)
optimizer_g = nnx.Optimizer(generator, optax.adam(0.01, b1=0.5), wrt=nnx.Param)


@nnx.jit
def step_d(generator, discriminator, optimizer_d, real, noise):
    def real_loss(discriminator):
        return criterion(discriminator(real), jnp.ones((6, 1)))

    loss_real, grads_real = nnx.value_and_grad(real_loss)(discriminator)
    fake = generator(noise)

    def fake_loss(discriminator):
        return criterion(discriminator(fake), jnp.zeros((6, 1)))

    loss_fake, grads_fake = nnx.value_and_grad(fake_loss)(discriminator)
    grads = jax.tree.map(lambda a, b: a + b, grads_real, grads_fake)
    optimizer_d.update(discriminator, grads)
    return loss_real, loss_fake


@nnx.jit
def step_g(generator, discriminator, optimizer_g, noise):
    def loss_fn(generator, discriminator):
        return criterion(discriminator(generator(noise)), jnp.ones((6, 1)))

    loss, grads = nnx.value_and_grad(loss_fn)(generator, discriminator)
    optimizer_g.update(generator, grads)
    return loss


for step in range(8):
    real = rngs.normal((6, 2)) + 3
    noise = rngs.normal((6, 4))
    loss_real, loss_fake = step_d(generator, discriminator, optimizer_d, real, noise)
    loss_g = step_g(generator, discriminator, optimizer_g, noise)
    print(f"[{step}] D: {loss_real.item() + loss_fake.item():.4f} G: {loss_g.item():.4f}")
