import torch.nn as nn
from einops.layers.torch import Rearrange, Reduce


class MixerBlock(nn.Module):
    def __init__(self, patch=2, channels=3, dim=8, patches=6, classes=5):
        super().__init__()
        self.embed = nn.Sequential(
            Rearrange("b c (h p1) (w p2) -> b (h w) (p1 p2 c)", p1=patch, p2=patch),
            nn.Linear(patch * patch * channels, dim),
        )
        self.tokens = nn.Sequential(
            nn.LayerNorm(dim),
            Rearrange("b n d -> b d n"),
            nn.Linear(patches, patches),
            nn.GELU(),
            Rearrange("b d n -> b n d"),
        )
        self.head = nn.Sequential(Reduce("b n d -> b d", "mean"), nn.Linear(dim, classes))

    def forward(self, x):
        x = self.embed(x)
        x = x + self.tokens(x)
        return self.head(x)
