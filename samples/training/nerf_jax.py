"""Tiny NeRF: fit a radiance field to views of a coloured sphere, with positional encoding and volume rendering."""

import math
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

rngs = nnx.Rngs(9458)
np.random.seed(9458)

H, W = 12, 12
focal = 14.0
near, far = 2.0, 6.0
N_samples = 8
N_importance = 0
num_encoding_functions = 4
num_encoding_functions_dir = 2
n_views = 6
batch_rays = 64
num_iters = 60
device = jax.devices()[0]


# ---------------------------------------------------------------------------------------------
# synthetic data: a shaded sphere seen from a circle of cameras

trans_t = lambda t: jnp.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, t], [0, 0, 0, 1]], dtype=jnp.float32)

rot_phi = lambda phi: jnp.array([
        [1, 0, 0, 0],
        [0, np.cos(phi), -np.sin(phi), 0],
        [0, np.sin(phi), np.cos(phi), 0],
        [0, 0, 0, 1],
    ], dtype=jnp.float32)

rot_theta = lambda th: jnp.array([
        [np.cos(th), 0, -np.sin(th), 0],
        [0, 1, 0, 0],
        [np.sin(th), 0, np.cos(th), 0],
        [0, 0, 0, 1],
    ], dtype=jnp.float32)


def pose_spherical(theta, phi, radius):
    c2w = trans_t(radius)
    c2w = rot_phi(phi / 180.0 * np.pi) @ c2w
    c2w = rot_theta(theta / 180.0 * np.pi) @ c2w
    return c2w


def get_rays(H, W, focal, c2w):
    """Origins and directions of the rays through all pixels of a pinhole camera."""
    i, j = jnp.meshgrid(jnp.arange(W, dtype=jnp.float32), jnp.arange(H, dtype=jnp.float32))
    dirs = jnp.stack([(i - W * 0.5) / focal, -(j - H * 0.5) / focal, -jnp.ones_like(i)], axis=-1)
    # rotate ray directions from camera frame to the world frame
    rays_d = (dirs[..., None, :] * c2w[:3, :3]).sum(axis=-1)
    # the origin of all rays is the camera's position
    rays_o = jnp.broadcast_to(c2w[:3, -1], rays_d.shape)
    return rays_o, rays_d


def sphere_colors(rays_o, rays_d, radius=1.0):
    """What the camera sees: the normal of the sphere as a colour, black behind it."""
    d = l2_normalize(rays_d, axis=-1)
    b = (rays_o * d).sum(axis=-1)
    c = (rays_o * rays_o).sum(axis=-1) - radius**2
    disc = b**2 - c
    hit = disc > 0
    t = -b - jnp.sqrt(clamp(disc, min=0.0))
    normal = rays_o + t[..., None] * d
    return jnp.where(hit[..., None], 0.5 * (normal + 1), jnp.zeros_like(normal))


# Helpers without a Flax equivalent.


def clamp(x: jax.Array, min: jax.Array | float | None = None, max: jax.Array | float | None = None) -> jax.Array:
    """`x` cut to [min, max]; at the bounds the whole gradient goes to x (`jnp.clip` halves it there)."""
    if min is not None:
        x = jnp.where(x < min, min, x)
    return x if max is None else jnp.where(x > max, max, x)


def expand_shape(shape: Sequence[int], sizes: Sequence[int]) -> tuple[int, ...]:
    """`sizes` in which every -1 is replaced by the size that `shape` has there, counted from the last axis."""
    missing = len(sizes) - len(shape)
    return tuple(shape[i - missing] if size == -1 else size for i, size in enumerate(sizes))


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


def hyperparams(optimizer: Any) -> list[dict[str, nnx.Variable[jax.Array]]]:
    """The hyperparameters that an optimizer holds for each of its groups, by the names that optax has for them."""
    state = optimizer.opt_state
    if not hasattr(state, "inner_states"):
        return [state.hyperparams]
    # the parameters that are in no group have no hyperparameters
    groups = [state.inner_states[key].inner_state for key in sorted(state.inner_states)]
    return [group.hyperparams for group in groups if hasattr(group, "hyperparams")]


def safe_sqrt(x: jax.Array) -> jax.Array:
    """Square root with the gradient 0 at 0, where that of `jnp.sqrt` is infinite."""
    return jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1)), x)


def l2_norm(x: jax.Array, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> jax.Array:
    """Euclidean norm along `axis` (of all elements for None), with the gradient 0 at the zero vector."""
    return safe_sqrt((x * x.conj()).real.sum(axis=axis, keepdims=keepdims))


def l2_normalize(x: jax.Array, axis: int | tuple[int, ...] = 1, eps: float = 1e-12) -> jax.Array:
    """`x` divided by its Euclidean norm along `axis`, or by `eps` where the norm is smaller."""
    return x / jnp.maximum(l2_norm(x, axis, keepdims=True), eps)


def split_points(sizes: Sequence[int]) -> tuple[int, ...]:
    """Where `jnp.split` has to cut to get parts of these sizes: (2, 3, 1) -> (2, 5)."""
    return tuple(accumulate(sizes[:-1]))


poses = [pose_spherical(angle, -30.0, 4.0) for angle in np.linspace(0, 360, n_views + 1)[:-1]]
rays = [get_rays(H, W, focal, pose) for pose in poses]
images = jnp.stack([sphere_colors(rays_o, rays_d) for rays_o, rays_d in rays])

# hold out the last view, shuffle the rays of the others
all_rays_o = jnp.concatenate([rays_o.reshape(-1, 3) for rays_o, _ in rays[:-1]])
all_rays_d = jnp.concatenate([rays_d.reshape(-1, 3) for _, rays_d in rays[:-1]])
all_rgb = images[:-1].reshape(-1, 3)
test_rays_o, test_rays_d = rays[-1]
test_image = images[-1]


# ---------------------------------------------------------------------------------------------
# model


class Embedder:
    def __init__(self, input_dims, num_freqs, include_input=True, log_sampling=True):
        embed_fns = []
        out_dim = 0
        if include_input:
            embed_fns.append(lambda x: x)
            out_dim += input_dims

        max_freq = num_freqs - 1
        if log_sampling:
            freq_bands = 2.0 ** jnp.linspace(0.0, max_freq, num_freqs)
        else:
            freq_bands = jnp.linspace(2.0**0.0, 2.0**max_freq, num_freqs)

        for freq in freq_bands:
            for p_fn in [jnp.sin, jnp.cos]:
                embed_fns.append(lambda x, p_fn=p_fn, freq=freq: p_fn(x * freq))
                out_dim += input_dims

        self.embed_fns = embed_fns
        self.out_dim = out_dim

    def embed(self, inputs):
        return jnp.concatenate([fn(inputs) for fn in self.embed_fns], axis=-1)


class NeRF(nnx.Module):
    def __init__(self, D=3, W=24, input_ch=3, input_ch_views=3, skips=[1], *, rngs: nnx.Rngs):
        self.D = D
        self.W = W
        self.input_ch = input_ch
        self.input_ch_views = input_ch_views
        self.skips = skips

        self.pts_linears = nnx.List(
            [nnx.Linear(input_ch, W, **fan_in_uniform(input_ch), rngs=rngs)]
            + [
                (
            nnx.Linear(W, W, **fan_in_uniform(W), rngs=rngs)
            if i not in self.skips
            else nnx.Linear(W + input_ch, W, **fan_in_uniform(W + input_ch), rngs=rngs)
        )
                for i in range(D - 1)
            ]
        )
        self.views_linears = nnx.List([
            nnx.Linear(input_ch_views + W, W // 2, **fan_in_uniform(input_ch_views + W), rngs=rngs)
        ])
        self.feature_linear = nnx.Linear(W, W, **fan_in_uniform(W), rngs=rngs)
        self.alpha_linear = nnx.Linear(W, 1, **fan_in_uniform(W), rngs=rngs)
        self.rgb_linear = nnx.Linear(W // 2, 3, **fan_in_uniform(W // 2), rngs=rngs)

    def __call__(self, x):
        input_pts, input_views = jnp.split(x, split_points([self.input_ch, self.input_ch_views]), axis=-1)
        h = input_pts
        for i, l in enumerate(self.pts_linears):
            h = self.pts_linears[i](h)
            h = nnx.relu(h)
            if i in self.skips:
                h = jnp.concatenate([input_pts, h], axis=-1)

        alpha = self.alpha_linear(h)
        feature = self.feature_linear(h)
        h = jnp.concatenate([feature, input_views], axis=-1)

        for i, l in enumerate(self.views_linears):
            h = self.views_linears[i](h)
            h = nnx.relu(h)

        rgb = self.rgb_linear(h)
        outputs = jnp.concatenate([rgb, alpha], axis=-1)
        return outputs


# ---------------------------------------------------------------------------------------------
# volume rendering


def raw2outputs(raw, z_vals, rays_d, raw_noise_std=0.0, white_bkgd=False, *, rngs: nnx.Rngs):
    """Transforms the model's predictions to colours, depths and opacities of rays."""
    raw2alpha = lambda raw, dists, act_fn=nnx.relu: 1.0 - jnp.exp(-act_fn(raw) * dists)

    dists = z_vals[..., 1:] - z_vals[..., :-1]
    dists = jnp.concatenate(
        [dists, jnp.broadcast_to(jnp.array([1e10], dtype=jnp.float32), dists[..., :1].shape)], axis=-1
    )  # [N_rays, N_samples]
    dists = dists * l2_norm(rays_d[..., None, :], axis=-1)

    rgb = nnx.sigmoid(raw[..., :3])  # [N_rays, N_samples, 3]
    noise = 0.0
    if raw_noise_std > 0.0:
        noise = rngs.normal(raw[..., 3].shape) * raw_noise_std

    alpha = raw2alpha(raw[..., 3] + noise, dists)  # [N_rays, N_samples]
    weights = (
        alpha * jnp.concatenate([jnp.ones((alpha.shape[0], 1)), 1.0 - alpha + 1e-10], axis=-1).cumprod(axis=-1)[:, :-1]
    )
    rgb_map = (weights[..., None] * rgb).sum(axis=-2)  # [N_rays, 3]

    depth_map = (weights * z_vals).sum(axis=-1)
    acc_map = weights.sum(axis=-1)
    if white_bkgd:
        rgb_map = rgb_map + (1.0 - acc_map[..., None])

    return rgb_map, depth_map, acc_map, weights


def render_rays(rays_o, rays_d, network_fn, embed_fn, embeddirs_fn, perturb=True, raw_noise_std=0.0, *, rngs: nnx.Rngs):
    N_rays = rays_o.shape[0]
    viewdirs = rays_d / l2_norm(rays_d, axis=-1, keepdims=True)

    t_vals = jnp.linspace(0.0, 1.0, N_samples)
    z_vals = near * (1.0 - t_vals) + far * t_vals
    z_vals = jnp.broadcast_to(z_vals, expand_shape(z_vals.shape, (N_rays, N_samples)))

    if perturb:
        # get intervals between samples
        mids = 0.5 * (z_vals[..., 1:] + z_vals[..., :-1])
        upper = jnp.concatenate([mids, z_vals[..., -1:]], axis=-1)
        lower = jnp.concatenate([z_vals[..., :1], mids], axis=-1)
        # stratified samples in those intervals
        t_rand = rngs.uniform(z_vals.shape)
        z_vals = lower + (upper - lower) * t_rand

    pts = rays_o[..., None, :] + rays_d[..., None, :] * z_vals[..., :, None]  # [N_rays, N_samples, 3]

    pts_flat = pts.reshape(-1, pts.shape[-1])
    embedded = embed_fn(pts_flat)
    dirs = jnp.broadcast_to(viewdirs[:, None], pts.shape)
    dirs_flat = dirs.reshape(-1, dirs.shape[-1])
    embedded = jnp.concatenate([embedded, embeddirs_fn(dirs_flat)], axis=-1)

    raw = network_fn(embedded)
    raw = raw.reshape(list(pts.shape[:-1]) + [raw.shape[-1]])
    return raw2outputs(raw, z_vals, rays_d, raw_noise_std, rngs=rngs)


# ---------------------------------------------------------------------------------------------
# training

embedder = Embedder(3, num_encoding_functions)
embedder_dirs = Embedder(3, num_encoding_functions_dir)
model = NeRF(input_ch=embedder.out_dim, input_ch_views=embedder_dirs.out_dim, rngs=rngs)
lr_init, lr_decay = 5e-3, 0.1
optimizer = nnx.Optimizer(model, optax.inject_hyperparams(optax.adam)(learning_rate=lr_init), wrt=nnx.Param)

mse2psnr = lambda x: -10.0 * math.log10(x)


@nnx.jit(graph=False)
def train_step(model, optimizer, batch_o, batch_d, rngs, target):
    graphdef, params, rest = nnx.split(model, nnx.Param, ...)

    def loss_fn(params, rest, rngs):
        model = nnx.merge(graphdef, params, rest)

        rgb, depth, acc, _ = render_rays(batch_o, batch_d, model, embedder.embed, embedder_dirs.embed, rngs=rngs)
        loss = ((rgb - target) ** 2).mean()
        return loss

    loss, grads = nnx.value_and_grad(loss_fn)(params, rest, rngs)
    optimizer.update(model, grads)
    return loss


for it in range(num_iters):
    select = rngs.permutation(all_rays_o.shape[0])[:batch_rays]
    batch_o, batch_d, target = all_rays_o[select], all_rays_d[select], all_rgb[select]
    loss = train_step(model, optimizer, batch_o, batch_d, rngs, target)
    psnr = mse2psnr(loss.item())

    # exponential decay of the learning rate
    new_lrate = lr_init * (lr_decay ** (it / num_iters))
    for param_group in hyperparams(optimizer):
        param_group["learning_rate"][...] = new_lrate

    if it % 20 == 0 or it == num_iters - 1:
        rgb, depth, acc, _ = render_rays(
            test_rays_o.reshape(-1, 3),
            test_rays_d.reshape(-1, 3),
            model,
            embedder.embed,
            embedder_dirs.embed,
            perturb=False,
            rngs=rngs,
        )
        test_loss = optax.squared_error(rgb.reshape(H, W, 3), test_image).mean()
        print(f"iter {it} train psnr {psnr:.3f} test psnr {mse2psnr(test_loss.item()):.3f} mean depth {depth.mean().item():.3f}")
