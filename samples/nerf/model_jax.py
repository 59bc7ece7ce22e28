"""The network of NeRF (Mildenhall et al., 2020): position and viewing direction -> colour and density."""

import math
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class PositionalEncoding(nnx.Module):
    """x -> [x, sin(2^k x), cos(2^k x), ...] along the last axis.

    Args:
        in_dim: number of coordinates
        n_freqs: number of octaves
        include_input: keep x itself
        log_sampling: octaves, or frequencies at equal distances
    """

    def __init__(self, in_dim, n_freqs, include_input=True, log_sampling=True, *, rngs: nnx.Rngs):
        self.include_input = include_input
        self.funcs = [jnp.sin, jnp.cos]
        self.out_dim = in_dim * (len(self.funcs) * n_freqs + int(include_input))

        if log_sampling:
            self.freqs = 2.0 ** jnp.linspace(0, n_freqs - 1, n_freqs)
        else:
            self.freqs = jnp.linspace(1, 2 ** (n_freqs - 1), n_freqs)

    def __call__(self, x):
        out = [x] if self.include_input else []
        for freq in self.freqs:
            for func in self.funcs:
                out += [func(freq * x)]
        return jnp.concatenate(out, axis=-1)


class NeRF(nnx.Module):
    """
    Args:
        D, W: depth and width of the MLP on positions
        in_ch, view_ch: channels of the encoded positions and directions
        skips: layers after which the positions are fed in again
        use_viewdirs: colours depend on the direction; otherwise `view_ch` channels are ignored
    """

    def __init__(self, D=8, W=64, in_ch=3, view_ch=3, out_ch=4, skips=(4,), use_viewdirs=True, *, rngs: nnx.Rngs):
        self.in_ch, self.view_ch = in_ch, view_ch
        self.skips = skips
        self.use_viewdirs = use_viewdirs

        widths = [in_ch] + [W + in_ch if i in skips else W for i in range(D - 1)]
        self.pts_linears = nnx.List([nnx.Linear(w, W, **fan_in_uniform(w), rngs=rngs) for w in widths])
        if use_viewdirs:
            self.views_linears = nnx.List([
                nnx.Linear(view_ch + W, W // 2, **fan_in_uniform(view_ch + W), rngs=rngs)
            ])
            self.feature_linear = nnx.Linear(W, W, **fan_in_uniform(W), rngs=rngs)
            self.alpha_linear = nnx.Linear(W, 1, **fan_in_uniform(W), rngs=rngs)
            self.rgb_linear = nnx.Linear(W // 2, 3, **fan_in_uniform(W // 2), rngs=rngs)
        else:
            self.output_linear = nnx.Linear(W, out_ch, **fan_in_uniform(W), rngs=rngs)

    def __call__(self, x):
        input_pts, input_views = jnp.split(x, split_points([self.in_ch, self.view_ch]), axis=-1)
        h = input_pts
        for i, layer in enumerate(self.pts_linears):
            h = nnx.relu(layer(h))
            if i in self.skips:
                h = jnp.concatenate([input_pts, h], axis=-1)

        if not self.use_viewdirs:
            return self.output_linear(h)

        alpha = self.alpha_linear(h)
        h = jnp.concatenate([self.feature_linear(h), input_views], axis=-1)
        for layer in self.views_linears:
            h = nnx.relu(layer(h))
        rgb = self.rgb_linear(h)
        return jnp.concatenate([rgb, alpha], axis=-1)


class NeRFField(nnx.Module):
    """Encodings and network together: points (R, S, 3), one direction (R, 3) for each ray."""

    def __init__(self, n_pos_freqs=6, n_dir_freqs=3, chunk=None, dim=3, *, rngs: nnx.Rngs, **kwargs):
        self.encode_pos = PositionalEncoding(dim, n_pos_freqs, rngs=rngs)
        self.encode_dir = PositionalEncoding(dim, n_dir_freqs, log_sampling=False, rngs=rngs)
        self.net = NeRF(in_ch=self.encode_pos.out_dim, view_ch=self.encode_dir.out_dim, rngs=rngs, **kwargs)
        self.chunk = chunk

    def __call__(self, pts, viewdirs):
        viewdirs = viewdirs / l2_norm(viewdirs, axis=-1, keepdims=True)
        dirs = jnp.broadcast_to(viewdirs[:, None], pts.shape)
        flat = jnp.concatenate([self.encode_pos(pts), self.encode_dir(dirs)], axis=-1)
        flat = flat.reshape(-1, self.net.in_ch + self.net.view_ch)
        if self.chunk is None:
            raw = self.net(flat)
        else:
            # a few points at a time, to save memory
            raw = jnp.concatenate([self.net(flat[i:i + self.chunk]) for i in range(0, flat.shape[0], self.chunk)])
        return raw.reshape(list(pts.shape[:-1]) + [raw.shape[-1]])


class VolumeRenderer(nnx.Module):
    """Integrate colours along rays: raw (R, S, 4), depths of the samples z_vals (R, S), directions rays_d (R, 3).

    Returns colour (R, 3), depth (R,), opacity (R,) and the weights (R, S). In train mode noise of
    standard deviation `noise_std` is added to the densities.
    """

    def __init__(self, noise_std=1.0, white_background=False, *, rngs: nnx.Rngs):
        self.rngs = rngs.fork()
        self.deterministic = False
        self.noise_std = noise_std
        self.white_background = white_background

    def __call__(self, raw, z_vals, rays_d):
        dists = z_vals[..., 1:] - z_vals[..., :-1]
        # the last interval never ends
        last = jnp.broadcast_to(jnp.array([1e10]), dists[..., :1].shape)
        dists = jnp.concatenate([dists, last], axis=-1) * l2_norm(rays_d[..., None, :], axis=-1)

        density = raw[..., 3]
        if not self.deterministic and self.noise_std > 0:
            density = density + self.rngs.normal(density.shape) * self.noise_std
        alpha = 1.0 - jnp.exp(-nnx.relu(density) * dists)

        # how much light reaches each sample
        clear = jnp.concatenate([jnp.ones((alpha.shape[0], 1)), 1.0 - alpha + 1e-10], axis=-1)
        weights = alpha * clear.cumprod(axis=-1)[:, :-1]

        rgb = (weights[..., None] * nnx.sigmoid(raw[..., :3])).sum(axis=-2)
        depth = (weights * z_vals).sum(axis=-1)
        opacity = weights.sum(axis=-1)
        if self.white_background:
            rgb = rgb + (1.0 - opacity[..., None])
        return rgb, depth, opacity, weights


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


def safe_sqrt(x: jax.Array) -> jax.Array:
    """Square root with the gradient 0 at 0, where that of `jnp.sqrt` is infinite."""
    return jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1)), x)


def l2_norm(x: jax.Array, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> jax.Array:
    """Euclidean norm along `axis` (of all elements for None), with the gradient 0 at the zero vector."""
    return safe_sqrt((x * x.conj()).real.sum(axis=axis, keepdims=keepdims))


def split_points(sizes: Sequence[int]) -> tuple[int, ...]:
    """Where `jnp.split` has to cut to get parts of these sizes: (2, 3, 1) -> (2, 5)."""
    return tuple(accumulate(sizes[:-1]))
