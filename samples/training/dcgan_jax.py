"""DCGAN on images of 16 x 16 pixels: bright blobs at random places."""

import copy
import math
import random
from collections.abc import Callable, MutableMapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
import torch
import torch.utils.data
from flax import nnx
from jax import lax
from torch.utils.data import default_collate

manualSeed = 999


# Helpers without a Flax equivalent.


class BatchNorm(nnx.BatchNorm):
    """Batch normalisation over all axes but the last, with PyTorch's defaults and its unbiased running variance.

    `nnx.BatchNorm` averages the biased variance of the batches; here it is multiplied by n / (n - 1) first, where n is
    the number of values per feature.
    """

    def __init__(
        self, num_features: int, *, momentum: float = 0.9, epsilon: float = 1e-5, rngs: nnx.Rngs, **options: Any
    ) -> None:
        super().__init__(
            num_features, momentum=momentum, epsilon=epsilon, use_fast_variance=False, rngs=rngs, **options
        )

    def __call__(
        self, x: jax.Array, use_running_average: bool | None = None, *, mask: jax.Array | None = None
    ) -> jax.Array:
        """Normalises x of shape (batch, ..., features); in training, updates the running statistics."""
        if x.size == 0:  # nothing to average
            return x
        previous = self.var[...]
        y: jax.Array = super().__call__(x, use_running_average, mask=mask)
        evaluating = self.use_running_average if use_running_average is None else use_running_average
        if not evaluating:
            n = x.size // x.shape[-1]
            self.var[...] += (self.var[...] - self.momentum * previous) / (n - 1)
        return y


def reduce_loss(loss: jax.Array, reduction: str = "mean") -> jax.Array:
    """Mean or sum of the elementwise losses, or (for "none") the losses themselves."""
    if reduction == "none":
        return loss
    return loss.sum() if reduction == "sum" else loss.mean()


def binary_cross_entropy(
    probs: jax.Array, target: jax.Array, weight: jax.Array | None = None, reduction: str = "mean"
) -> jax.Array:
    """Cross entropy of probabilities; logarithms are cut at -100, so that 0 and 1 have finite losses and gradients."""

    @jax.custom_jvp
    def cross_entropy(p: jax.Array, t: jax.Array) -> jax.Array:
        return -(t * jnp.maximum(jnp.log(p), -100) + (1 - t) * jnp.maximum(jnp.log1p(-p), -100))

    @cross_entropy.defjvp
    def _(primals: tuple[jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        (p, t), (dp, dt) = primals, tangents
        # PyTorch keeps the denominator above 1e-12, rounded to float32.
        slope = (p - t) / jnp.maximum(p * (1 - p), 9.999999960041972e-13)
        log_odds = jnp.maximum(jnp.log(p), -100) - jnp.maximum(jnp.log1p(-p), -100)
        return cross_entropy(p, t), slope * dp - log_odds * dt

    loss = cross_entropy(probs, target.astype(probs.dtype))
    return reduce_loss(loss if weight is None else loss * weight, reduction)


def uniform_within(bound: float) -> Callable[..., jax.Array]:
    """Initializer that draws uniformly from [-bound, bound]."""

    def init(key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return init


def fan_in_uniform(in_features: int, kernel_size: int | Sequence[int] = (), groups: int = 1) -> dict[str, Any]:
    """Initializers of kernel and bias that draw from [-b, b], b = 1 / sqrt(in_features / groups * prod(kernel_size)).

    This is how PyTorch initializes linear layers and convolutions; flax would draw a normal kernel and a zero bias.
    """
    window = (kernel_size,) if isinstance(kernel_size, int) else kernel_size
    init = uniform_within(1 / math.sqrt(max(1, in_features // groups * math.prod(window))))
    return {"kernel_init": init, "bias_init": init}


def leaky_relu(x: jax.Array, negative_slope: float = 0.01) -> jax.Array:
    """`x` where it is positive, else negative_slope * x, also in the gradient at 0 (`nnx.leaky_relu` has 1 there)."""
    return jnp.where(x > 0, x, negative_slope * x)


def map_nested(function: Callable[[Any], Any], value: Any) -> Any:
    """Apply a function to what is inside nested lists, tuples and dictionaries, which stay what they are."""
    if isinstance(value, MutableMapping):
        result = copy.copy(value)
        result.update({key: map_nested(function, item) for key, item in value.items()})
        return result
    if isinstance(value, list | tuple):
        items = [map_nested(function, item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return function(value)


def numpy_collate(samples: Sequence[Any], collate: Callable[[Any], Any] = default_collate) -> Any:
    """Collate samples as a DataLoader does, or by a function of one's own, into NumPy arrays."""
    return map_nested(lambda item: item.numpy() if isinstance(item, torch.Tensor) else item, collate(samples))


random.seed(manualSeed)
torch.manual_seed(manualSeed)
rngs = nnx.Rngs(manualSeed)

batch_size = 8
nc = 3  # channels of the images
nz = 8  # size of the latent vector
ngf = 4  # feature maps in the generator
ndf = 4  # feature maps in the discriminator
num_epochs = 2
lr = 0.0002
beta1 = 0.5
device = jax.devices()[0]


class Blobs(torch.utils.data.Dataset):
    def __init__(self, count):
        grid = torch.linspace(-1, 1, 16)
        centers = 1.2 * torch.rand(count, 2) - 0.6
        rows = (grid[None, :, None] - centers[:, 0, None, None]) ** 2
        columns = (grid[None, None, :] - centers[:, 1, None, None]) ** 2
        self.images = 2 * torch.exp(-4 * (rows + columns)).unsqueeze(1).repeat(1, nc, 1, 1) - 1

    def __len__(self):
        return self.images.size(0)

    def __getitem__(self, i):
        return self.images[i], 0


dataloader = torch.utils.data.DataLoader(
    Blobs(208), batch_size=batch_size, shuffle=True, collate_fn=numpy_collate
)


# custom weights initialization called on netG and netD
def weights_init(m, *, rngs: nnx.Rngs):
    classname = m.__class__.__name__
    if classname.find("Conv") != -1:
        m.kernel[...] = nnx.initializers.normal(0.02)(rngs.params(), m.kernel.shape, m.kernel.dtype)
    elif classname.find("BatchNorm") != -1:
        m.scale[...] = 1.0 + 0.02 * jax.random.normal(rngs.params(), m.scale.shape, m.scale.dtype)
        m.bias[...] = jnp.zeros_like(m.bias)


class Generator(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.main = nnx.Sequential(
            # input is Z, going into a convolution
            nnx.ConvTranspose(
                nz,
                ngf * 2,
                (4, 4),
                strides=1,
                padding=3,
                transpose_kernel=True,
                use_bias=False,
                **fan_in_uniform(ngf * 2, (4, 4)),
                rngs=rngs,
            ),
            BatchNorm(ngf * 2, rngs=rngs),
            nnx.relu,
            # state size. (ngf*2) x 4 x 4
            nnx.ConvTranspose(
                ngf * 2,
                ngf,
                (4, 4),
                strides=2,
                padding=2,
                transpose_kernel=True,
                use_bias=False,
                **fan_in_uniform(ngf, (4, 4)),
                rngs=rngs,
            ),
            BatchNorm(ngf, rngs=rngs),
            nnx.relu,
            # state size. (ngf) x 8 x 8
            nnx.ConvTranspose(
                ngf,
                nc,
                (4, 4),
                strides=2,
                padding=2,
                transpose_kernel=True,
                use_bias=False,
                **fan_in_uniform(nc, (4, 4)),
                rngs=rngs,
            ),
            nnx.tanh,
            # state size. (nc) x 16 x 16
        )

    def __call__(self, input):
        input = input.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        return self.main(input).transpose(0, 3, 1, 2)


class Discriminator(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.main = nnx.Sequential(
            # input is (nc) x 16 x 16
            nnx.Conv(
                nc,
                ndf,
                (4, 4),
                strides=2,
                padding=1,
                use_bias=False,
                **fan_in_uniform(nc, (4, 4)),
                rngs=rngs,
            ),
            partial(leaky_relu, negative_slope=0.2),
            # state size. (ndf) x 8 x 8
            nnx.Conv(
                ndf,
                ndf * 2,
                (4, 4),
                strides=2,
                padding=1,
                use_bias=False,
                **fan_in_uniform(ndf, (4, 4)),
                rngs=rngs,
            ),
            BatchNorm(ndf * 2, rngs=rngs),
            partial(leaky_relu, negative_slope=0.2),
            # state size. (ndf*2) x 4 x 4
            nnx.Conv(
                ndf * 2,
                1,
                (4, 4),
                padding="VALID",
                use_bias=False,
                **fan_in_uniform(ndf * 2, (4, 4)),
                rngs=rngs,
            ),
            nnx.sigmoid,
        )

    def __call__(self, input):
        input = input.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        return self.main(input).transpose(0, 3, 1, 2)


netG = Generator(rngs=rngs)
for _, module in nnx.iter_modules(netG):
    weights_init(module, rngs=rngs)

netD = Discriminator(rngs=rngs)
for _, module in nnx.iter_modules(netD):
    weights_init(module, rngs=rngs)

criterion = binary_cross_entropy

# latent vectors to look at the progression of the generator
fixed_noise = rngs.normal((16, nz, 1, 1))

real_label = 1.0
fake_label = 0.0

optimizerD = nnx.Optimizer(netD, optax.adam(lr, b1=beta1), wrt=nnx.Param)
optimizerG = nnx.Optimizer(netG, optax.adam(lr, b1=beta1), wrt=nnx.Param)

img_list = []
G_losses = []
D_losses = []
iters = 0

print("Starting Training Loop...")


@nnx.jit(graph=False, static_argnames=("b_size",))
def train_net_d(netD, optimizerD, real_cpu, label, rngs, netG, b_size):
    graphdef, params, rest = nnx.split(netD, nnx.Param, ...)

    def loss_fn(params, rest, rngs, netG, label):
        netD = nnx.merge(graphdef, params, rest)
        output = netD(real_cpu).reshape(-1)
        errD_real = criterion(output, label)
        output_1 = output

        ## Train with all-fake batch
        noise = rngs.normal((b_size, nz, 1, 1))
        fake = netG(noise)
        label = jnp.full_like(label, fake_label)
        output = netD(lax.stop_gradient(fake)).reshape(-1)
        errD_fake = criterion(output, label)
        return errD_real + errD_fake, (output, errD_real, output_1, noise, fake, label, errD_fake)

    (_, (output, errD_real, output_1, noise, fake, label, errD_fake)), grads = nnx.value_and_grad(
        loss_fn, has_aux=True
    )(params, rest, rngs, netG, label)
    optimizerD.update(netD, grads)
    return output, errD_real, output_1, noise, fake, label, errD_fake


@nnx.jit(graph=False)
def train_net_g(netG, optimizerG, netG_before, noise, netD, label):
    graphdef, params, rest = nnx.split(netG_before, nnx.Param, ...)

    def loss_fn(params, rest, netD):
        netG = nnx.merge(graphdef, params, rest)
        fake = netG(noise)
        output = netD(fake).reshape(-1)
        errG = criterion(output, label)
        return errG, output

    (errG, output), grads = nnx.value_and_grad(loss_fn, has_aux=True)(params, rest, netD)
    optimizerG.update(netG, grads)
    return errG, output


for epoch in range(num_epochs):
    for i, data in enumerate(dataloader, 0):
        ############################
        # (1) Update D network: maximize log(D(x)) + log(1 - D(G(z)))
        ###########################
        ## Train with all-real batch
        real_cpu = jnp.asarray(data[0])
        b_size = real_cpu.shape[0]
        label = jnp.full((b_size,), real_label, dtype=jnp.float32)
        netG_before = nnx.clone(netG)
        output, errD_real, output_1, noise, fake, label, errD_fake = train_net_d(
            netD, optimizerD, real_cpu, label, rngs, netG, b_size
        )
        D_x = output_1.mean().item()
        D_G_z1 = output.mean().item()
        errD = errD_real + errD_fake
        ############################
        # (2) Update G network: maximize log(D(G(z)))
        ###########################
        label = jnp.full_like(label, real_label)  # fake labels are real for generator cost
        errG, output = train_net_g(netG, optimizerG, netG_before, noise, netD, label)
        D_G_z2 = output.mean().item()

        if i % 13 == 0:
            print(
                "[%d/%d][%d/%d]\tLoss_D: %.4f\tLoss_G: %.4f\tD(x): %.4f\tD(G(z)): %.4f / %.4f"
                % (epoch, num_epochs, i, len(dataloader), errD.item(), errG.item(), D_x, D_G_z1, D_G_z2)
            )

        # save losses for plotting later
        G_losses.append(errG.item())
        D_losses.append(errD.item())

        # check how the generator is doing by saving its output on fixed_noise
        if (iters % 25 == 0) or ((epoch == num_epochs - 1) and (i == len(dataloader) - 1)):
            fake = lax.stop_gradient(netG(fixed_noise))
            img_list.append(fake)

        iters += 1
