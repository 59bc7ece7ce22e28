from torch import *
from torch.nn import *
import torch.nn.functional as F


class Net(Module):
    def __init__(self, d=4):
        super().__init__()
        self.net = Sequential(Conv1d(d, 6, 3), ReLU(), Flatten(), Head(6 * 5, 2))

    def forward(self, x):
        x = cat([x, zeros_like(x[:, :, :1])], dim=2)
        return F.log_softmax(self.net(x), dim=1)


def Head(n_in, n_out):
    return Linear(n_in, n_out)
