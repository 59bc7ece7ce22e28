"""Tiny NeRF: fit a radiance field to views of a coloured sphere, with positional encoding and volume rendering."""

import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(9458)
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
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


# ---------------------------------------------------------------------------------------------
# synthetic data: a shaded sphere seen from a circle of cameras

trans_t = lambda t: torch.tensor([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, t], [0, 0, 0, 1]], dtype=torch.float32)

rot_phi = lambda phi: torch.tensor(
    [
        [1, 0, 0, 0],
        [0, np.cos(phi), -np.sin(phi), 0],
        [0, np.sin(phi), np.cos(phi), 0],
        [0, 0, 0, 1],
    ],
    dtype=torch.float32,
)

rot_theta = lambda th: torch.tensor(
    [
        [np.cos(th), 0, -np.sin(th), 0],
        [0, 1, 0, 0],
        [np.sin(th), 0, np.cos(th), 0],
        [0, 0, 0, 1],
    ],
    dtype=torch.float32,
)


def pose_spherical(theta, phi, radius):
    c2w = trans_t(radius)
    c2w = rot_phi(phi / 180.0 * np.pi) @ c2w
    c2w = rot_theta(theta / 180.0 * np.pi) @ c2w
    return c2w


def get_rays(H, W, focal, c2w):
    """Origins and directions of the rays through all pixels of a pinhole camera."""
    i, j = torch.meshgrid(torch.arange(W, dtype=torch.float32), torch.arange(H, dtype=torch.float32), indexing="xy")
    dirs = torch.stack([(i - W * 0.5) / focal, -(j - H * 0.5) / focal, -torch.ones_like(i)], dim=-1)
    # rotate ray directions from camera frame to the world frame
    rays_d = torch.sum(dirs[..., None, :] * c2w[:3, :3], dim=-1)
    # the origin of all rays is the camera's position
    rays_o = c2w[:3, -1].expand(rays_d.shape)
    return rays_o, rays_d


def sphere_colors(rays_o, rays_d, radius=1.0):
    """What the camera sees: the normal of the sphere as a colour, black behind it."""
    d = F.normalize(rays_d, dim=-1)
    b = (rays_o * d).sum(-1)
    c = (rays_o * rays_o).sum(-1) - radius**2
    disc = b**2 - c
    hit = disc > 0
    t = -b - torch.sqrt(torch.clamp(disc, min=0.0))
    normal = rays_o + t[..., None] * d
    return torch.where(hit[..., None], 0.5 * (normal + 1), torch.zeros_like(normal))


poses = [pose_spherical(angle, -30.0, 4.0) for angle in np.linspace(0, 360, n_views + 1)[:-1]]
rays = [get_rays(H, W, focal, pose) for pose in poses]
images = torch.stack([sphere_colors(rays_o, rays_d) for rays_o, rays_d in rays])

# hold out the last view, shuffle the rays of the others
all_rays_o = torch.cat([rays_o.reshape(-1, 3) for rays_o, _ in rays[:-1]]).to(device)
all_rays_d = torch.cat([rays_d.reshape(-1, 3) for _, rays_d in rays[:-1]]).to(device)
all_rgb = images[:-1].reshape(-1, 3).to(device)
test_rays_o, test_rays_d = rays[-1]
test_image = images[-1].to(device)


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
            freq_bands = 2.0 ** torch.linspace(0.0, max_freq, steps=num_freqs)
        else:
            freq_bands = torch.linspace(2.0**0.0, 2.0**max_freq, steps=num_freqs)

        for freq in freq_bands:
            for p_fn in [torch.sin, torch.cos]:
                embed_fns.append(lambda x, p_fn=p_fn, freq=freq: p_fn(x * freq))
                out_dim += input_dims

        self.embed_fns = embed_fns
        self.out_dim = out_dim

    def embed(self, inputs):
        return torch.cat([fn(inputs) for fn in self.embed_fns], -1)


class NeRF(nn.Module):
    def __init__(self, D=3, W=24, input_ch=3, input_ch_views=3, skips=[1]):
        super().__init__()
        self.D = D
        self.W = W
        self.input_ch = input_ch
        self.input_ch_views = input_ch_views
        self.skips = skips

        self.pts_linears = nn.ModuleList(
            [nn.Linear(input_ch, W)]
            + [nn.Linear(W, W) if i not in self.skips else nn.Linear(W + input_ch, W) for i in range(D - 1)]
        )
        self.views_linears = nn.ModuleList([nn.Linear(input_ch_views + W, W // 2)])
        self.feature_linear = nn.Linear(W, W)
        self.alpha_linear = nn.Linear(W, 1)
        self.rgb_linear = nn.Linear(W // 2, 3)

    def forward(self, x):
        input_pts, input_views = torch.split(x, [self.input_ch, self.input_ch_views], dim=-1)
        h = input_pts
        for i, l in enumerate(self.pts_linears):
            h = self.pts_linears[i](h)
            h = F.relu(h)
            if i in self.skips:
                h = torch.cat([input_pts, h], -1)

        alpha = self.alpha_linear(h)
        feature = self.feature_linear(h)
        h = torch.cat([feature, input_views], -1)

        for i, l in enumerate(self.views_linears):
            h = self.views_linears[i](h)
            h = F.relu(h)

        rgb = self.rgb_linear(h)
        outputs = torch.cat([rgb, alpha], -1)
        return outputs


# ---------------------------------------------------------------------------------------------
# volume rendering


def raw2outputs(raw, z_vals, rays_d, raw_noise_std=0.0, white_bkgd=False):
    """Transforms the model's predictions to colours, depths and opacities of rays."""
    raw2alpha = lambda raw, dists, act_fn=F.relu: 1.0 - torch.exp(-act_fn(raw) * dists)

    dists = z_vals[..., 1:] - z_vals[..., :-1]
    dists = torch.cat([dists, torch.Tensor([1e10]).to(device).expand(dists[..., :1].shape)], -1)  # [N_rays, N_samples]
    dists = dists * torch.norm(rays_d[..., None, :], dim=-1)

    rgb = torch.sigmoid(raw[..., :3])  # [N_rays, N_samples, 3]
    noise = 0.0
    if raw_noise_std > 0.0:
        noise = torch.randn(raw[..., 3].shape) * raw_noise_std

    alpha = raw2alpha(raw[..., 3] + noise, dists)  # [N_rays, N_samples]
    weights = alpha * torch.cumprod(torch.cat([torch.ones((alpha.shape[0], 1)).to(device), 1.0 - alpha + 1e-10], -1), -1)[:, :-1]
    rgb_map = torch.sum(weights[..., None] * rgb, -2)  # [N_rays, 3]

    depth_map = torch.sum(weights * z_vals, -1)
    acc_map = torch.sum(weights, -1)
    if white_bkgd:
        rgb_map = rgb_map + (1.0 - acc_map[..., None])

    return rgb_map, depth_map, acc_map, weights


def render_rays(rays_o, rays_d, network_fn, embed_fn, embeddirs_fn, perturb=True, raw_noise_std=0.0):
    N_rays = rays_o.shape[0]
    viewdirs = rays_d / torch.norm(rays_d, dim=-1, keepdim=True)

    t_vals = torch.linspace(0.0, 1.0, steps=N_samples).to(device)
    z_vals = near * (1.0 - t_vals) + far * t_vals
    z_vals = z_vals.expand([N_rays, N_samples])

    if perturb:
        # get intervals between samples
        mids = 0.5 * (z_vals[..., 1:] + z_vals[..., :-1])
        upper = torch.cat([mids, z_vals[..., -1:]], -1)
        lower = torch.cat([z_vals[..., :1], mids], -1)
        # stratified samples in those intervals
        t_rand = torch.rand(z_vals.shape).to(device)
        z_vals = lower + (upper - lower) * t_rand

    pts = rays_o[..., None, :] + rays_d[..., None, :] * z_vals[..., :, None]  # [N_rays, N_samples, 3]

    pts_flat = torch.reshape(pts, [-1, pts.shape[-1]])
    embedded = embed_fn(pts_flat)
    dirs = viewdirs[:, None].expand(pts.shape)
    dirs_flat = torch.reshape(dirs, [-1, dirs.shape[-1]])
    embedded = torch.cat([embedded, embeddirs_fn(dirs_flat)], -1)

    raw = network_fn(embedded)
    raw = torch.reshape(raw, list(pts.shape[:-1]) + [raw.shape[-1]])
    return raw2outputs(raw, z_vals, rays_d, raw_noise_std)


# ---------------------------------------------------------------------------------------------
# training

embedder = Embedder(3, num_encoding_functions)
embedder_dirs = Embedder(3, num_encoding_functions_dir)
model = NeRF(input_ch=embedder.out_dim, input_ch_views=embedder_dirs.out_dim).to(device)
lr_init, lr_decay = 5e-3, 0.1
optimizer = torch.optim.Adam(params=model.parameters(), lr=lr_init, betas=(0.9, 0.999))

mse2psnr = lambda x: -10.0 * math.log10(x)

for it in range(num_iters):
    select = torch.randperm(all_rays_o.shape[0])[:batch_rays]
    batch_o, batch_d, target = all_rays_o[select], all_rays_d[select], all_rgb[select]

    rgb, depth, acc, _ = render_rays(batch_o, batch_d, model, embedder.embed, embedder_dirs.embed)

    optimizer.zero_grad()
    loss = torch.mean((rgb - target) ** 2)
    psnr = mse2psnr(loss.item())
    loss.backward()
    optimizer.step()

    # exponential decay of the learning rate
    new_lrate = lr_init * (lr_decay ** (it / num_iters))
    for param_group in optimizer.param_groups:
        param_group["lr"] = new_lrate

    if it % 20 == 0 or it == num_iters - 1:
        with torch.no_grad():
            rgb, depth, acc, _ = render_rays(
                test_rays_o.reshape(-1, 3), test_rays_d.reshape(-1, 3), model, embedder.embed, embedder_dirs.embed, perturb=False
            )
            test_loss = F.mse_loss(rgb.reshape(H, W, 3), test_image)
        print(f"iter {it} train psnr {psnr:.3f} test psnr {mse2psnr(test_loss.item()):.3f} mean depth {depth.mean().item():.3f}")
