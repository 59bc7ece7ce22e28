"""*args and **kwargs on their way through constructors and calls."""
import torch.nn as nn


class Conv(nn.Module):
    def __init__(self, *args, act=None, **kwargs):
        super().__init__()
        kwargs.setdefault("padding", 1)
        self.conv = nn.Conv2d(*args, **kwargs)
        self.act = act

    def forward(self, x, *args, **kwargs):
        x = self.conv(x)
        return self.act(x, *args, **kwargs) if self.act is not None else x


class Net(nn.Module):
    defaults = dict(kernel_size=3, bias=False)

    def __init__(self, c=3, width=4, **kwargs):
        super().__init__()
        opts = {**self.defaults, **kwargs}
        self.a = Conv(c, width, **opts)
        self.b = Conv(width, width, 3, 2, act=nn.functional.leaky_relu)
        dims = (width, 2)
        self.fc = nn.Linear(*dims)

    def forward(self, x, slope=0.1):
        x = self.b(self.a(x), negative_slope=slope)
        return self.fc(x.mean(dim=(2, 3)))


def build(*args, pretrained=False, **kwargs):
    if pretrained:
        raise NotImplementedError
    return Net(*args, **kwargs)
