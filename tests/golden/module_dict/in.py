import torch
import torch.nn as nn


class MultiHead(nn.Module):
    def __init__(self, dim=6, tasks=("depth", "normal", "edge")):
        super().__init__()
        sizes = {"depth": 1, "normal": 3, "edge": 2}
        self.tasks = tasks
        self.trunk = nn.Linear(dim, dim)
        self.heads = nn.ModuleDict({name: nn.Linear(dim, sizes[name]) for name in tasks})
        self.acts = nn.ModuleDict([["depth", nn.Softplus()], ["normal", nn.Tanh()]])
        self.heads["extra"] = nn.Linear(dim, 4)

    def forward(self, x, only=None):
        h = torch.relu(self.trunk(x))
        out = {}
        for name, head in self.heads.items():
            if only is not None and name != only:
                continue
            y = head(h)
            if name in self.acts:
                y = self.acts[name](y)
            out[name] = y
        assert "extra" in self.heads.keys()
        return out
