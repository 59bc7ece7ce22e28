import torch
import torch.nn as nn
import torch.nn.functional as F


class Gate(nn.Module):
    def __init__(self, d=4, kind="glu", bias=True, cond_dim=0):
        super().__init__()
        self.kind = kind
        self.fc = nn.Linear(d, 2 * d if kind == "glu" else d, bias=bias)
        self.cond = nn.Linear(cond_dim, d) if cond_dim else None
        self.norm = nn.LayerNorm(d) if bias and d > 3 else nn.Identity()
        self.act = F.silu if kind == "silu" else (torch.tanh if kind == "tanh" else None)

    def forward(self, x, cond=None, mask=None):
        h = F.glu(self.fc(x), dim=-1) if self.kind == "glu" else self.act(self.fc(x))
        h = h if cond is None or self.cond is None else h + self.cond(cond)
        h = self.norm(h) * (mask.unsqueeze(-1) if mask is not None else 1.0)
        scale = 2.0 if x.dim() == 3 else 0.5
        return h * scale if self.training else h
