"""Causal convolutions over time: a TCN (Bai et al., 2018) and a WaveNet (van den Oord et al., 2016)."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils import weight_norm


class Chomp(nn.Module):
    """Remove the last `n` steps: with padding on both sides, they are the ones that would look ahead."""

    def __init__(self, n):
        super(Chomp, self).__init__()
        self.n = n

    def forward(self, x):
        return x[:, :, :-self.n].contiguous()


class ResidualBlock(nn.Module):
    """Two dilated causal convolutions and a shortcut."""

    def __init__(self, c_in, c_out, kernel_size, dilation, dropout=0.2, use_weight_norm=False):
        super(ResidualBlock, self).__init__()
        norm = weight_norm if use_weight_norm else (lambda conv: conv)
        pad = (kernel_size - 1) * dilation

        layers = []
        for channels in (c_in, c_out):
            conv = nn.Conv1d(channels, c_out, kernel_size, padding=pad, dilation=dilation)
            conv.weight.data.normal_(0, 0.01)
            layers += [norm(conv), Chomp(pad), nn.ReLU(), nn.Dropout(dropout)]
        self.branch = nn.Sequential(*layers)
        self.shortcut = nn.Conv1d(c_in, c_out, 1) if c_in != c_out else None

    def forward(self, x):
        shortcut = x if self.shortcut is None else self.shortcut(x)
        return F.relu(self.branch(x) + shortcut)


class TCN(nn.Module):
    """Classify a sequence (N, C, T) from the features of its last step; log probabilities come out."""

    def __init__(self, input_size=1, num_classes=10, channels=(25, 25, 25), kernel_size=7, dropout=0.05,
                 use_weight_norm=False):
        super(TCN, self).__init__()
        blocks = []
        for level, (c_in, c_out) in enumerate(zip((input_size, *channels), channels)):
            blocks.append(ResidualBlock(c_in, c_out, kernel_size, dilation=2 ** level, dropout=dropout,
                                        use_weight_norm=use_weight_norm))
        self.network = nn.Sequential(*blocks)
        self.linear = nn.Linear(channels[-1], num_classes)

    def forward(self, x):
        y = self.network(x)
        return F.log_softmax(self.linear(y[:, :, -1]), dim=1)


class CausalConv1d(nn.Conv1d):
    """Conv1d that pads the left side only."""

    def __init__(self, in_channels, out_channels, kernel_size, dilation=1, **kwargs):
        super().__init__(in_channels, out_channels, kernel_size, dilation=dilation, **kwargs)
        self.left_pad = (kernel_size - 1) * dilation

    def forward(self, x):
        return super().forward(F.pad(x, (self.left_pad, 0)))


class WaveNet(nn.Module):
    """Autoregressive model of quantised audio: codes (N, T) -> logits (N, n_codes, T).

    Args:
        n_codes: number of quantisation levels
        residual_channels, skip_channels: widths of the two streams
        n_layers: layers of a stack, with dilations 1, 2, 4, ...
        n_stacks: how often the dilations start over
        cond_channels: width of a global condition such as a speaker embedding, 0 for none
    """

    def __init__(self, n_codes=64, residual_channels=16, skip_channels=24, n_layers=4, n_stacks=2, cond_channels=0):
        super().__init__()
        self.embedding = nn.Embedding(n_codes, residual_channels)
        self.filter_convs = nn.ModuleList()
        self.gate_convs = nn.ModuleList()
        self.res_convs = nn.ModuleList()
        self.skip_convs = nn.ModuleList()
        self.cond_convs = nn.ModuleList() if cond_channels > 0 else None
        self.receptive_field = 1

        dilations = [2**i for _ in range(n_stacks) for i in range(n_layers)]
        for dilation in dilations:
            self.filter_convs.append(CausalConv1d(residual_channels, residual_channels, 2, dilation))
            self.gate_convs.append(CausalConv1d(residual_channels, residual_channels, 2, dilation))
            self.res_convs.append(nn.Conv1d(residual_channels, residual_channels, 1))
            self.skip_convs.append(nn.Conv1d(residual_channels, skip_channels, 1))
            if self.cond_convs is not None:
                self.cond_convs.append(nn.Conv1d(cond_channels, 2 * residual_channels, 1, bias=False))
            self.receptive_field += dilation

        self.head = nn.Sequential(
            nn.ReLU(),
            nn.Conv1d(skip_channels, skip_channels, 1),
            nn.ReLU(),
            nn.Conv1d(skip_channels, n_codes, 1),
        )

    def forward(self, codes, cond=None):
        x = self.embedding(codes).transpose(1, 2)  # (N, T) -> (N, C, T)
        skip = 0
        for i, (f_conv, g_conv) in enumerate(zip(self.filter_convs, self.gate_convs)):
            f, g = f_conv(x), g_conv(x)
            if cond is not None:
                cf, cg = self.cond_convs[i](cond[:, :, None]).chunk(2, dim=1)
                f = f + cf
                g = g + cg
            z = torch.tanh(f) * torch.sigmoid(g)
            skip = skip + self.skip_convs[i](z)
            x = x + self.res_convs[i](z)
        return self.head(skip)

    def loss(self, codes):
        """Mean cross entropy of each code given those before it."""
        logits = self.forward(codes[:, :-1])
        return F.cross_entropy(logits, codes[:, 1:])


def mu_law(audio, n_codes=64):
    """Audio in [-1, 1] -> integer codes, finer around zero."""
    mu = n_codes - 1
    compressed = torch.sign(audio) * torch.log1p(mu * audio.abs()) / torch.log1p(torch.tensor(float(mu)))
    return ((compressed + 1) / 2 * mu + 0.5).long()
