import torch.nn as nn
import torch.nn.functional as F


class Encoder(nn.Module):
    def __init__(self, d_in=5, d_out=3):
        super(Encoder, self).__init__()
        self.fc = nn.Linear(d_in, d_out)

    def forward(self, x, scale=1.0):
        return scale * F.relu(self.fc(x))


class Model(nn.Module):
    def __init__(self, d_in=5, d_hid=4, d_out=2):
        super(Model, self).__init__()
        self.encoder = Encoder(d_in, d_hid)
        self.head = nn.Linear(d_hid, d_out)

    def forward(self, x):
        h = self.encoder.forward(x, scale=0.5)
        return self.head.forward(h)

    def embed(self, x):
        return self.encoder.forward(x)

    def both(self, x):
        return self.forward(x), self.embed(x)
