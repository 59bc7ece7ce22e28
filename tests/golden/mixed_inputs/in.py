import torch
import torch.nn as nn
import torch.nn.functional as F


class Fusion(nn.Module):
    """An image, a vector, a volume, a sequence and a list, all in one forward."""

    def __init__(self, c=3, d=4, classes=2):
        super().__init__()
        self.conv = nn.Conv2d(c, d, 3, padding="same")
        self.film = nn.Linear(d, 2 * d)
        self.conv1 = nn.Conv1d(d, d, 3, padding=2, dilation=2)
        self.conv3 = nn.Conv3d(1, d, (1, 3, 3), padding=(0, 1, 1))
        self.out = nn.Linear(3 * d, classes)

    def modulate(self, f, vec):
        gamma, beta = self.film(vec).chunk(2, dim=1)
        return gamma[:, :, None, None] * f + beta[..., None, None]

    def forward(self, image, vec, seq, volume, sizes=None):
        f = self.modulate(self.conv(image), vec)
        if sizes is not None:
            f = F.interpolate(f, size=sizes, mode="bilinear", align_corners=False)
        s = self.conv1(seq.transpose(1, 2)).transpose(1, 2)
        v = self.conv3(volume.unsqueeze(1))
        parts = [f.flatten(2).mean(-1), s.mean(1), F.adaptive_avg_pool3d(v, 1).flatten(1)]
        return self.out(torch.cat(parts, dim=-1)), f, s, v
