import torch
import torch.nn as nn


class Detector(nn.Module):
    """What comes back depends on the mode and on flags."""

    def __init__(self, channels=6, num_classes=4, aux=True):
        super().__init__()
        self.body = nn.Conv2d(3, channels, 3, padding=1)
        self.cls = nn.Conv2d(channels, num_classes, 1)
        self.aux = nn.Linear(channels, num_classes) if aux else None

    def forward(self, x, return_features=False):
        feat = torch.relu(self.body(x))
        if return_features:
            return feat
        scores = self.cls(feat)
        pooled = scores.amax(dim=(2, 3))
        if self.training and self.aux is not None:
            return pooled, self.aux(feat.mean((2, 3))), feat
        if self.aux is None:
            return {"scores": pooled, "map": scores}
        return pooled, scores
