import functools

import torch
import torch.nn as nn


def scaled(factor):
    def decorate(fn):
        @functools.wraps(fn)
        def wrapped(self, x, *args, **kwargs):
            return fn(self, x * factor, *args, **kwargs)

        return wrapped

    return decorate


class Net(nn.Module):
    def __init__(self, d=4):
        super().__init__()
        self.fc = nn.Linear(d, d)

    @scaled(0.5)
    def forward(self, x):
        with torch.no_grad():
            norm = x.norm(dim=-1, keepdim=True).clamp_min(1e-6)
        return self.fc(x / norm) + self.target(x)

    @torch.no_grad()
    def target(self, x):
        return torch.sign(self.fc(x))

    @torch.inference_mode()
    def predict(self, x):
        return self.forward(x).argmax(-1)

    @functools.lru_cache(maxsize=None)
    def grid(self, n):
        return torch.linspace(-1, 1, n)

    def sample(self, n):
        was = torch.is_grad_enabled()
        with torch.set_grad_enabled(not was):
            return self.fc(self.grid(n).unsqueeze(1).expand(n, self.fc.in_features))
