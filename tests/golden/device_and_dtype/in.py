import torch
import torch.nn as nn

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Net(nn.Module):
    def __init__(self, d=4, device=None, dtype=None):
        factory_kwargs = {"device": device, "dtype": dtype}
        super().__init__()
        self.fc = nn.Linear(d, d, **factory_kwargs)
        self.out = nn.Linear(d, 2, device=device)
        self.register_buffer("freqs", torch.arange(d, device=device) / d)

    def forward(self, x, ids):
        x = x.to(self.fc.weight.device)
        x = x.to(device=x.device, dtype=self.fc.weight.dtype, non_blocking=True)
        h = self.fc(x).type_as(x).contiguous()
        h = h * self.freqs.to(h)
        onehot = (ids[:, None] == torch.arange(x.size(1), device=ids.device)).to(h.dtype)
        count = ids.float().mean().cpu()
        whole = (ids.double() / 2).long().cuda() if ids.is_cuda else (ids / 2).int()
        return self.out(h + onehot), count, whole, onehot.bool() & (h > 0)


def build(d=4):
    net = Net(d)
    net = net.to(device)
    return net
