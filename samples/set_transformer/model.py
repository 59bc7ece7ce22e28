"""Set Transformer (Lee et al., 2019): attention between the elements of a set, in any order."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class MAB(nn.Module):
    """Multihead attention block: the elements of one set read those of another.

    Args:
        dim_query, dim_key: width of the two sets
        dim: width of the result
        num_heads: number of heads
        ln: normalise after attention and after the linear layer
    """

    def __init__(self, dim_query, dim_key, dim, num_heads, ln=False):
        super(MAB, self).__init__()
        self.num_heads = num_heads
        self.scale = math.sqrt(dim)
        self.query = nn.Linear(dim_query, dim)
        self.key = nn.Linear(dim_key, dim)
        self.value = nn.Linear(dim_key, dim)
        self.out = nn.Linear(dim, dim)
        if ln:
            self.ln0 = nn.LayerNorm(dim)
            self.ln1 = nn.LayerNorm(dim)

    def split_heads(self, x):
        # (B, N, D) -> (heads * B, N, D / heads): bmm wants three axes
        return torch.cat(torch.chunk(x, self.num_heads, dim=2), 0)

    def merge_heads(self, x):
        return torch.cat(x.chunk(self.num_heads, dim=0), -1)

    def forward(self, x, y):
        q = self.split_heads(self.query(x))
        k, v = self.split_heads(self.key(y)), self.split_heads(self.value(y))

        weights = torch.softmax(q.bmm(k.transpose(1, 2)) / self.scale, 2)
        h = self.merge_heads(q + weights.bmm(v))
        if hasattr(self, 'ln0'):
            h = self.ln0(h)
        h = h + F.relu(self.out(h))
        return self.ln1(h) if hasattr(self, 'ln1') else h


class SAB(nn.Module):
    """A set reads itself."""

    def __init__(self, dim_in, dim_out, num_heads, **kwargs):
        super(SAB, self).__init__()
        self.mab = MAB(dim_in, dim_in, dim_out, num_heads, **kwargs)

    def forward(self, x):
        return self.mab(x, x)


class ISAB(nn.Module):
    """The same by way of a few learned points, at a cost linear in the size of the set."""

    def __init__(self, dim_in, dim_out, num_heads, num_points, **kwargs):
        super(ISAB, self).__init__()
        self.inducing = nn.Parameter(torch.Tensor(1, num_points, dim_out))
        nn.init.xavier_uniform_(self.inducing)
        self.read = MAB(dim_out, dim_in, dim_out, num_heads, **kwargs)
        self.write = MAB(dim_in, dim_out, dim_out, num_heads, **kwargs)

    def forward(self, x):
        summary = self.read(self.inducing.repeat(x.size(0), 1, 1), x)
        return self.write(x, summary)


class PMA(nn.Module):
    """Pooling: learned seeds read the set, one element for each comes out."""

    def __init__(self, dim, num_heads, num_seeds, **kwargs):
        super(PMA, self).__init__()
        self.seeds = nn.Parameter(torch.Tensor(1, num_seeds, dim))
        nn.init.xavier_uniform_(self.seeds)
        self.mab = MAB(dim, dim, dim, num_heads, **kwargs)

    def forward(self, x):
        return self.mab(self.seeds.expand(x.size(0), -1, -1), x)


class SetTransformer(nn.Module):
    """Sets (B, N, dim_input) -> (B, num_outputs, dim_output), whatever the order of the N elements."""

    def __init__(self, dim_input=3, num_outputs=2, dim_output=4, num_points=5, dim_hidden=16, num_heads=4, ln=True,
                 dropout=0.1):
        super(SetTransformer, self).__init__()
        self.encoder = nn.Sequential(
            ISAB(dim_input, dim_hidden, num_heads, num_points, ln=ln),
            ISAB(dim_hidden, dim_hidden, num_heads, num_points, ln=ln))
        self.decoder = nn.Sequential(
            nn.Dropout(dropout),
            PMA(dim_hidden, num_heads, num_outputs, ln=ln),
            SAB(dim_hidden, dim_hidden, num_heads, ln=ln),
            nn.Dropout(dropout),
            nn.Linear(dim_hidden, dim_output))

    def forward(self, x):
        return self.decoder(self.encoder(x))


class DeepSet(nn.Module):
    """The simpler model to compare with: a network on each element, a pooling, another network."""

    def __init__(self, dim_input=3, num_outputs=2, dim_output=4, dim_hidden=16, pool='mean'):
        super(DeepSet, self).__init__()
        self.num_outputs = num_outputs
        self.dim_output = dim_output
        self.pool = pool
        self.enc = nn.Sequential(
            nn.Linear(dim_input, dim_hidden), nn.ReLU(),
            nn.Linear(dim_hidden, dim_hidden))
        self.dec = nn.Sequential(
            nn.Linear(dim_hidden, dim_hidden), nn.ReLU(),
            nn.Linear(dim_hidden, num_outputs * dim_output))

    def forward(self, x):
        x = self.enc(x)
        if self.pool == 'mean':
            x = x.mean(-2)
        elif self.pool == 'max':
            x, _ = x.max(-2)
        else:
            x = x.sum(dim=-2)
        return self.dec(x).reshape(-1, self.num_outputs, self.dim_output)
