import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self, d=5):
        super().__init__()
        self.fc = nn.Linear(d, d)
        self.act = nn.ReLU(True)
        self.hard = nn.Hardtanh(-1, 1, inplace=True)

    def forward(self, x, y):
        h = self.fc(x)
        h.add_(y).mul_(0.5)
        h.sub_(0.1, alpha=2)
        torch.mul(h, 3.0, out=h) if not h.requires_grad else h.mul_(3.0)
        z = torch.zeros_like(h).fill_(2.0).copy_(h).neg_()
        F.relu_(h)
        k = self.act(h * 2 - y)
        g = F.hardtanh(k - 0.5, -0.2, 0.8, inplace=True).clone()
        g.masked_fill_(g > 0.7, 0.9)
        self.hard(g)
        g.t_()
        g.unsqueeze_(0)
        z[:, 1].zero_()
        z[0].add_(y[0]).div_(2)
        return h, k, g, z.addcmul_(x, y, value=0.1)
