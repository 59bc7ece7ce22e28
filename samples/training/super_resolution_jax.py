"""Super-resolution with sub-pixel convolutions (ESPCN), with PSNR on a validation set and a checkpoint of the best epoch."""

import argparse
import copy
import math
import os
from collections.abc import Callable, MutableMapping, Sequence
from functools import partial
from math import log10
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint as ocp
import torch
import torch.nn as nn
from flax import nnx
from torch.utils.data import DataLoader, Dataset, default_collate

# Training settings
parser = argparse.ArgumentParser(description="PyTorch Super Res Example")


# Helpers without a Flax equivalent.


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


def load_checkpoint(path: str | Path) -> Any:
    """Reads what `save_checkpoint` has written; states come back as nested dictionaries, for `load_state`."""
    folder = Path(path).absolute()
    if folder.is_file():
        raise ValueError(f"{folder} is a file of PyTorch: `torch2jax weights` makes a checkpoint for Flax of it")
    with ocp.PyTreeCheckpointer() as checkpointer:
        return checkpointer.restore(folder)


def load_state(node: Any, state: Any) -> None:
    """Gives a module or an optimizer the values of a state of its kind: one of `nnx.state`, or one that was loaded.

    Raises ValueError where one of them has what the other lacks.
    """
    current = nnx.state(node, nnx.Not(nnx.RngState))
    given = nnx.to_pure_dict(state) if isinstance(state, nnx.State) else nnx.restore_int_paths(state)
    paths = [
        {jax.tree_util.keystr(path) for path, _ in jax.tree.leaves_with_path(tree)}
        for tree in (given, nnx.to_pure_dict(current))
    ]
    if paths[0] != paths[1]:
        raise ValueError(f"only one of the states has {sorted(paths[0] ^ paths[1])}")
    nnx.replace_by_pure_dict(current, given)
    nnx.update(node, current)


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


def pixel_shuffle(x: jax.Array, upscale_factor: int) -> jax.Array:
    """Moves features into space: (batch, H, W, C * r^2) to (batch, H * r, W * r, C)."""
    *batch, height, width, features = x.shape
    r = upscale_factor
    x = x.reshape(*batch, height, width, features // r**2, r, r)
    return jnp.einsum("...hwcij->...hiwjc", x).reshape(*batch, height * r, width * r, features // r**2)


def save_checkpoint(tree: Any, path: str | Path) -> None:
    """Writes states, arrays, numbers and strings in dictionaries and lists to a folder, in place of one there."""
    pure = jax.tree.map(
        lambda leaf: nnx.to_pure_dict(leaf) if isinstance(leaf, nnx.State) else leaf,
        tree,
        is_leaf=lambda leaf: isinstance(leaf, nnx.State),
    )
    arrays = jax.tree.map(lambda leaf: np.asarray(leaf) if isinstance(leaf, jax.Array) else leaf, pure)
    with ocp.PyTreeCheckpointer() as checkpointer:
        checkpointer.save(Path(path).absolute(), arrays, force=True)


parser.add_argument("--upscale_factor", type=int, default=2, help="super resolution upscale factor")
parser.add_argument("--batchSize", type=int, default=4, help="training batch size")
parser.add_argument("--testBatchSize", type=int, default=5, help="testing batch size")
parser.add_argument("--nEpochs", type=int, default=3, help="number of epochs to train for")
parser.add_argument("--lr", type=float, default=0.005, help="Learning Rate. Default=0.01")
parser.add_argument("--seed", type=int, default=123, help="random seed to use. Default=123")
opt = parser.parse_args()

print(opt)

torch.manual_seed(opt.seed)
rngs = nnx.Rngs(opt.seed)
device = jax.devices()[0]


class SmoothImages(Dataset):
    """Gray images of waves, and the same at a lower resolution."""

    def __init__(self, count, size, upscale_factor):
        super(SmoothImages, self).__init__()
        y = torch.linspace(0, 1, size).view(1, size, 1)
        x = torch.linspace(0, 1, size).view(1, 1, size)
        freq = 2 + 6 * torch.rand(count, 2, 1, 1)
        phase = 6.28 * torch.rand(count, 1, 1)
        waves = torch.sin(freq[:, 0] * x + freq[:, 1] * y + phase)
        self.targets = (0.5 + 0.5 * waves).unsqueeze(1)
        self.inputs = nn.functional.avg_pool2d(self.targets, upscale_factor)

    def __getitem__(self, index):
        return self.inputs[index], self.targets[index]

    def __len__(self):
        return len(self.targets)


class Net(nnx.Module):
    def __init__(self, upscale_factor, *, rngs: nnx.Rngs):
        self.relu = nnx.relu
        self.conv1 = nnx.Conv(1, 16, (5, 5), strides=(1, 1), padding=(2, 2), **fan_in_uniform(1, (5, 5)), rngs=rngs)
        self.conv2 = nnx.Conv(16, 12, (3, 3), strides=(1, 1), padding=(1, 1), **fan_in_uniform(16, (3, 3)), rngs=rngs)
        self.conv3 = nnx.Conv(12, 8, (3, 3), strides=(1, 1), padding=(1, 1), **fan_in_uniform(12, (3, 3)), rngs=rngs)
        self.conv4 = nnx.Conv(
            8, upscale_factor**2, (3, 3), strides=(1, 1), padding=(1, 1), **fan_in_uniform(8, (3, 3)), rngs=rngs
        )
        self.pixel_shuffle = partial(pixel_shuffle, upscale_factor=upscale_factor)

        self._initialize_weights(rngs=rngs)

    def __call__(self, x):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        x = self.relu(self.conv1(x))
        x = self.relu(self.conv2(x))
        x = self.relu(self.conv3(x))
        x = self.pixel_shuffle(self.conv4(x))
        return x.transpose(0, 3, 1, 2)

    def _initialize_weights(self, *, rngs: nnx.Rngs):
        self.conv1.kernel[...] = nnx.initializers.orthogonal(scale=math.sqrt(2))(
            rngs.params(), self.conv1.kernel.shape, self.conv1.kernel.dtype
        )
        self.conv2.kernel[...] = nnx.initializers.orthogonal(scale=math.sqrt(2))(
            rngs.params(), self.conv2.kernel.shape, self.conv2.kernel.dtype
        )
        self.conv3.kernel[...] = nnx.initializers.orthogonal(scale=math.sqrt(2))(
            rngs.params(), self.conv3.kernel.shape, self.conv3.kernel.dtype
        )
        self.conv4.kernel[...] = nnx.initializers.orthogonal()(
            rngs.params(), self.conv4.kernel.shape, self.conv4.kernel.dtype
        )


print("===> Loading datasets")
train_set = SmoothImages(72, 12, opt.upscale_factor)
test_set = SmoothImages(10, 12, opt.upscale_factor)
training_data_loader = DataLoader(dataset=train_set, batch_size=opt.batchSize, shuffle=True, collate_fn=numpy_collate)
testing_data_loader = DataLoader(
    dataset=test_set, batch_size=opt.testBatchSize, shuffle=False, collate_fn=numpy_collate
)

print("===> Building model")
model = Net(upscale_factor=opt.upscale_factor, rngs=rngs)
criterion = lambda input, target: optax.squared_error(input, target).mean()

optimizer = nnx.Optimizer(model, optax.adam(opt.lr), wrt=nnx.Param)


@nnx.jit(graph=False)
def train_step(model, optimizer, input, target):
    graphdef, params, rest = nnx.split(model, nnx.Param, ...)

    def loss_fn(params, rest):
        model = nnx.merge(graphdef, params, rest)
        loss = criterion(model(input), target)
        return loss

    loss, grads = nnx.value_and_grad(loss_fn)(params, rest)
    optimizer.update(model, grads)
    return loss


def train(epoch):
    epoch_loss = 0
    for iteration, batch in enumerate(training_data_loader, 1):
        input, target = jnp.asarray(batch[0]), jnp.asarray(batch[1])
        loss = train_step(model, optimizer, input, target)
        epoch_loss += loss.item()

        if iteration % 6 == 0:
            print(
                "===> Epoch[{}]({}/{}): Loss: {:.4f}".format(epoch, iteration, len(training_data_loader), loss.item())
            )

    print("===> Epoch {} Complete: Avg. Loss: {:.4f}".format(epoch, epoch_loss / len(training_data_loader)))


def test():
    avg_psnr = 0
    for batch in testing_data_loader:
        input, target = jnp.asarray(batch[0]), jnp.asarray(batch[1])

        prediction = model(input)
        mse = criterion(prediction, target)
        psnr = 10 * log10(1 / mse.item())
        avg_psnr += psnr
    avg_psnr /= len(testing_data_loader)
    print("===> Avg. PSNR: {:.4f} dB".format(avg_psnr))
    return avg_psnr


def checkpoint(epoch):
    os.makedirs("checkpoints", exist_ok=True)
    model_out_path = os.path.join("checkpoints", "model_best.pth")
    save_checkpoint({"epoch": epoch, "model": nnx.state(model, nnx.Not(nnx.RngState))}, model_out_path)
    print("Checkpoint saved to {}".format(model_out_path))


best_psnr = 0.0
for epoch in range(1, opt.nEpochs + 1):
    train(epoch)
    psnr = test()
    if psnr > best_psnr:
        best_psnr = psnr
        checkpoint(epoch)

saved = load_checkpoint(os.path.join("checkpoints", "model_best.pth"))
load_state(model, saved["model"])
print("Best epoch: {}".format(saved["epoch"]))
test()
