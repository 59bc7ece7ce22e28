"""Networks built from a list of settings, the way VGG and YOLO are."""
import torch
import torch.nn as nn

CFG = {"A": [4, "M", 6, "M"], "B": [4, 4, "M", (8, 1), "U"]}


def make_layers(cfg, in_channels=3, batch_norm=False):
    layers = []
    for v in cfg:
        if v == "M":
            layers += [nn.MaxPool2d(kernel_size=2, stride=2)]
        elif v == "U":
            layers += [nn.Upsample(scale_factor=2)]
        else:
            width, k = v if isinstance(v, tuple) else (v, 3)
            conv2d = nn.Conv2d(in_channels, width, kernel_size=k, padding=k // 2)
            if batch_norm:
                layers += [conv2d, nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
            else:
                layers += [conv2d, nn.ReLU(inplace=True)]
            in_channels = width
    return nn.Sequential(*layers), in_channels


class VGG(nn.Module):
    def __init__(self, name="A", num_classes=5, **kwargs):
        super().__init__()
        self.features, width = make_layers(CFG[name], **kwargs)
        self.avgpool = nn.AdaptiveAvgPool2d((2, 3))
        self.classifier = nn.Linear(width * 2 * 3, num_classes)

    def forward(self, x):
        x = self.avgpool(self.features(x))
        x = torch.flatten(x, 1)
        return self.classifier(x)
