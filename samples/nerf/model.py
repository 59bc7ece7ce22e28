"""The network of NeRF (Mildenhall et al., 2020): position and viewing direction -> colour and density."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class PositionalEncoding(nn.Module):
    """x -> [x, sin(2^k x), cos(2^k x), ...] along the last axis.

    Args:
        in_dim: number of coordinates
        n_freqs: number of octaves
        include_input: keep x itself
        log_sampling: octaves, or frequencies at equal distances
    """

    def __init__(self, in_dim, n_freqs, include_input=True, log_sampling=True):
        super().__init__()
        self.include_input = include_input
        self.funcs = [torch.sin, torch.cos]
        self.out_dim = in_dim * (len(self.funcs) * n_freqs + int(include_input))

        if log_sampling:
            self.freqs = 2.0 ** torch.linspace(0, n_freqs - 1, n_freqs)
        else:
            self.freqs = torch.linspace(1, 2 ** (n_freqs - 1), n_freqs)

    def forward(self, x):
        out = [x] if self.include_input else []
        for freq in self.freqs:
            for func in self.funcs:
                out += [func(freq * x)]
        return torch.cat(out, -1)


class NeRF(nn.Module):
    """
    Args:
        D, W: depth and width of the MLP on positions
        in_ch, view_ch: channels of the encoded positions and directions
        skips: layers after which the positions are fed in again
        use_viewdirs: colours depend on the direction; otherwise `view_ch` channels are ignored
    """

    def __init__(self, D=8, W=64, in_ch=3, view_ch=3, out_ch=4, skips=(4,), use_viewdirs=True):
        super(NeRF, self).__init__()
        self.in_ch, self.view_ch = in_ch, view_ch
        self.skips = skips
        self.use_viewdirs = use_viewdirs

        widths = [in_ch] + [W + in_ch if i in skips else W for i in range(D - 1)]
        self.pts_linears = nn.ModuleList([nn.Linear(w, W) for w in widths])
        if use_viewdirs:
            self.views_linears = nn.ModuleList([nn.Linear(view_ch + W, W // 2)])
            self.feature_linear = nn.Linear(W, W)
            self.alpha_linear = nn.Linear(W, 1)
            self.rgb_linear = nn.Linear(W // 2, 3)
        else:
            self.output_linear = nn.Linear(W, out_ch)

    def forward(self, x):
        input_pts, input_views = torch.split(x, [self.in_ch, self.view_ch], dim=-1)
        h = input_pts
        for i, layer in enumerate(self.pts_linears):
            h = F.relu(layer(h))
            if i in self.skips:
                h = torch.cat([input_pts, h], -1)

        if not self.use_viewdirs:
            return self.output_linear(h)

        alpha = self.alpha_linear(h)
        h = torch.cat([self.feature_linear(h), input_views], -1)
        for layer in self.views_linears:
            h = F.relu(layer(h))
        rgb = self.rgb_linear(h)
        return torch.cat([rgb, alpha], -1)


class NeRFField(nn.Module):
    """Encodings and network together: points (R, S, 3), one direction (R, 3) for each ray."""

    def __init__(self, n_pos_freqs=6, n_dir_freqs=3, chunk=None, dim=3, **kwargs):
        super().__init__()
        self.encode_pos = PositionalEncoding(dim, n_pos_freqs)
        self.encode_dir = PositionalEncoding(dim, n_dir_freqs, log_sampling=False)
        self.net = NeRF(in_ch=self.encode_pos.out_dim, view_ch=self.encode_dir.out_dim, **kwargs)
        self.chunk = chunk

    def forward(self, pts, viewdirs):
        viewdirs = viewdirs / torch.norm(viewdirs, dim=-1, keepdim=True)
        dirs = viewdirs[:, None].expand(pts.shape)
        flat = torch.cat([self.encode_pos(pts), self.encode_dir(dirs)], -1)
        flat = flat.reshape(-1, self.net.in_ch + self.net.view_ch)
        if self.chunk is None:
            raw = self.net(flat)
        else:
            # a few points at a time, to save memory
            raw = torch.cat([self.net(flat[i:i + self.chunk]) for i in range(0, flat.shape[0], self.chunk)], 0)
        return torch.reshape(raw, list(pts.shape[:-1]) + [raw.shape[-1]])


class VolumeRenderer(nn.Module):
    """Integrate colours along rays: raw (R, S, 4), depths of the samples z_vals (R, S), directions rays_d (R, 3).

    Returns colour (R, 3), depth (R,), opacity (R,) and the weights (R, S). In train mode noise of
    standard deviation `noise_std` is added to the densities.
    """

    def __init__(self, noise_std=1.0, white_background=False):
        super().__init__()
        self.noise_std = noise_std
        self.white_background = white_background

    def forward(self, raw, z_vals, rays_d):
        dists = z_vals[..., 1:] - z_vals[..., :-1]
        # the last interval never ends
        last = torch.tensor([1e10], device=dists.device).expand(dists[..., :1].shape)
        dists = torch.cat([dists, last], -1) * torch.norm(rays_d[..., None, :], dim=-1)

        density = raw[..., 3]
        if self.training and self.noise_std > 0:
            density = density + torch.randn(density.shape) * self.noise_std
        alpha = 1.0 - torch.exp(-F.relu(density) * dists)

        # how much light reaches each sample
        clear = torch.cat([torch.ones((alpha.shape[0], 1)), 1.0 - alpha + 1e-10], -1)
        weights = alpha * torch.cumprod(clear, -1)[:, :-1]

        rgb = torch.sum(weights[..., None] * torch.sigmoid(raw[..., :3]), -2)
        depth = torch.sum(weights * z_vals, -1)
        opacity = weights.sum(-1)
        if self.white_background:
            rgb = rgb + (1.0 - opacity[..., None])
        return rgb, depth, opacity, weights
