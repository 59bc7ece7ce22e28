from torch import nn


class Block(nn.Module):
    def __init__(self, dim, out=None, norm="batch", dropout=0.0, act=True):
        super().__init__()
        out = dim if out is None else out
        self.fc = nn.Linear(dim, out, bias=norm is None)
        if norm == "batch":
            self.norm = nn.BatchNorm1d(out)
        elif norm == "layer":
            self.norm = nn.LayerNorm(out)
        else:
            self.norm = None
        self.act = nn.ELU() if act else None
        if dropout > 0:
            self.drop = nn.Dropout(dropout)
        self.has_drop = dropout > 0
        self.skip = None
        if out != dim:
            self.skip = nn.Linear(dim, out, bias=False)

    def forward(self, x):
        h = self.fc(x)
        if self.norm is not None:
            h = self.norm(h)
        if self.act:
            h = self.act(h)
        if self.has_drop:
            h = self.drop(h)
        return h + (x if self.skip is None else self.skip(x))
