import torch
import torch.nn as nn

conv = nn.Conv1d
act_dict = {"relu": nn.ReLU(), "tanh": torch.tanh, "none": lambda x: x}
layer_dict = dict(linear=nn.Linear, bilinear=nn.Bilinear)


class Net(nn.Module):
    norm = nn.LayerNorm
    pools = {"max": nn.MaxPool1d, "avg": nn.AvgPool1d}

    def __init__(self, d=4, pool="max", act="relu"):
        super().__init__()
        Layer = layer_dict["linear"]
        self.conv = conv(d, 2 * d, kernel_size=3, padding=1)
        self.norm1 = self.norm(2 * d)
        self.pool = self.pools[pool](2)
        self.fc = Layer(2 * d, d)
        pair = nn.Bilinear if d > 3 else None
        self.pair = pair(d, d, 3) if pair else None
        self.act = act_dict[act]

    def forward(self, x):
        x = self.pool(self.conv(x))
        x = self.fc(self.norm1(x.transpose(1, 2)))
        x = self.act(x).mean(1)
        return x if self.pair is None else self.pair(x, x)
