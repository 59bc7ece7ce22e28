import torch
from torch import nn


class Parts(nn.Module):
    """Tuples, lists and dicts of tensors, taken apart and put together."""

    def __init__(self, d=4):
        super().__init__()
        self.first, self.second = nn.Linear(d, d), nn.Linear(d, 2 * d)
        self.d = d

    def split(self, x):
        a, b = self.second(x).split(self.d, dim=-1)
        return {"a": a, "b": b}

    def forward(self, inputs, *extras, scale=(1.0, 2.0), **named):
        x, (y, *rest) = inputs
        s, t = scale
        x, y = self.first(y), x
        parts = self.split(x)
        a, b = parts["a"], parts.pop("b")
        (low, high), k = (a.min(), a.max()), len(rest)
        total = sum([e.sum() for e in extras], torch.zeros(()))
        for (key, value), weight in zip(sorted(named.items()), (0.5, 0.25)):
            total = total + weight * value.mean() * len(key)
        head, *_, last = b.unbind(dim=1)
        out = [a * s, b * t + y]
        out[0], out[-1] = out[1], out[0]
        return tuple(out), (low, high, k), total, {**parts, "ends": torch.stack((head, last))}
