from functools import wraps
import torch
from torch import nn
from einops.layers.torch import Rearrange

def exists(v):
    return v is not None

def maybe(fn=None):
    @wraps(fn)
    def inner(x, *args, **kwargs):
        if not exists(x):
            return x
        return fn(x, *args, **kwargs)
    return inner

class Special(nn.Module):
    def __init__(self, fns):
        super().__init__()
        self.fns = nn.ModuleList(fns)
    def forward(self, x, lens=None):
        if torch.is_tensor(x):
            x = x.split(lens, dim=1)
        return torch.cat(tuple(f(t) for f, t in zip(self.fns, x)), dim=1)

class Net(nn.Module):
    def __init__(self, special=True):
        super().__init__()
        self.special = special
        if special:
            self.proj = Special([nn.Linear(3, 4), nn.Linear(3, 4)])
        else:
            self.proj = nn.Linear(3, 4)
        self.split = Rearrange('b n (h d) -> b h n d', h=2)
    def forward(self, x, history=None):
        if self.special:
            q, k = self.proj(x, lens=(1, 3)).chunk(2, dim=-1)
        else:
            q, k = self.proj(x).chunk(2, dim=-1)
        return maybe(self.split)(q), maybe(self.split)(k)
