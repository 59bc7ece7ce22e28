import torch.nn as nn
import torch.nn.functional as F


class Pyramid(nn.Module):
    def __init__(self, channels=(4, 6, 8), out=5):
        super(Pyramid, self).__init__()
        self.levels = len(channels)
        for i, c in enumerate(channels):
            setattr(self, f"lateral{i}", nn.Conv2d(c, out, 1))
            self.add_module("smooth{}".format(i), nn.Conv2d(out, out, 3, padding=1))
        self.act = getattr(nn, "SiLU")()

    def forward(self, feats):
        top = None
        results = []
        for i in reversed(range(self.levels)):
            x = getattr(self, f"lateral{i}")(feats[i])
            if top is not None:
                x = x + F.interpolate(top, scale_factor=2)
            top = x
            results.insert(0, self.act(self.__getattr__("smooth%d" % i)(x)))
        return results
