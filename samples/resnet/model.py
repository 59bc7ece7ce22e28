"""Residual networks, ResNet-18/34 (basic blocks) and ResNet-50 (bottlenecks).

K. He et al., "Deep residual learning for image recognition", 2015.
"""

import torch
import torch.nn as nn

__all__ = ["ResNet", "BasicBlock", "Bottleneck", "resnet18", "resnet34", "resnet50"]


def conv3x3(in_ch, out_ch, stride=1):
    return nn.Conv2d(in_ch, out_ch, kernel_size=3, stride=stride, padding=1, bias=False)


def conv1x1(in_ch, out_ch, stride=1):
    return nn.Conv2d(in_ch, out_ch, kernel_size=1, stride=stride, bias=False)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions; `downsample` brings the shortcut to the shape of the branch."""

    expansion = 1

    def __init__(self, in_ch, width, stride=1, downsample=None, norm_layer=None):
        super(BasicBlock, self).__init__()
        norm = norm_layer or nn.BatchNorm2d
        self.conv1 = conv3x3(in_ch, width, stride)
        self.bn1 = norm(width)
        self.conv2 = conv3x3(width, width)
        self.bn2 = norm(width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x):
        shortcut = x
        if self.downsample is not None:
            shortcut = self.downsample(x)

        h = self.conv1(x)
        h = self.bn1(h)
        h = self.relu(h)
        h = self.conv2(h)
        h = self.bn2(h)

        h += shortcut
        return self.relu(h)


class Bottleneck(nn.Module):
    """1x1 down, 3x3 (which carries the stride), 1x1 up by a factor of four."""

    expansion = 4

    def __init__(self, in_ch, width, stride=1, downsample=None, norm_layer=None):
        super(Bottleneck, self).__init__()
        if norm_layer is None:
            norm_layer = nn.BatchNorm2d
        out_ch = width * self.expansion
        self.conv1, self.bn1 = conv1x1(in_ch, width), norm_layer(width)
        self.conv2, self.bn2 = conv3x3(width, width, stride), norm_layer(width)
        self.conv3, self.bn3 = conv1x1(width, out_ch), norm_layer(out_ch)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x):
        h = self.relu(self.bn1(self.conv1(x)))
        h = self.relu(self.bn2(self.conv2(h)))
        h = self.bn3(self.conv3(h))
        h += x if self.downsample is None else self.downsample(x)
        return self.relu(h)


class ResNet(nn.Module):
    """Stem, four stages of residual blocks, global pooling and one linear layer.

    Args:
        block: `BasicBlock` or `Bottleneck`
        layers: how many blocks each stage has
        num_classes: number of scores
        width: channels of the first stage; each later stage doubles them
        in_channels: channels of the images
        zero_init_residual: let every block start out as the identity
        small_images: stem for 32x32 images, without the stride and the pooling
        norm_layer: class (or factory) of the normalisation, called with the number of channels
    """

    def __init__(self, block, layers, num_classes=1000, width=64, in_channels=3,
                 zero_init_residual=False, small_images=False, norm_layer=None):
        super(ResNet, self).__init__()
        if norm_layer is None:
            norm_layer = nn.BatchNorm2d
        self.norm_layer = norm_layer
        self.in_ch = width  # what the next block receives

        if small_images:
            self.conv1 = conv3x3(in_channels, width)
            self.pool = nn.Identity()
        else:
            self.conv1 = nn.Conv2d(in_channels, width, 7, stride=2, padding=3, bias=False)
            self.pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.bn1 = norm_layer(width)
        self.relu = nn.ReLU(inplace=True)

        self.layer1 = self._make_layer(block, width, layers[0])
        self.layer2 = self._make_layer(block, 2 * width, layers[1], stride=2)
        self.layer3 = self._make_layer(block, 4 * width, layers[2], stride=2)
        self.layer4 = self._make_layer(block, 8 * width, layers[3], stride=2)

        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(8 * width * block.expansion, num_classes)
        self._init_weights(zero_init_residual)

    def _init_weights(self, zero_init_residual):
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(m, (nn.BatchNorm2d, nn.GroupNorm)):
                nn.init.ones_(m.weight)
                nn.init.zeros_(m.bias)
        if not zero_init_residual:
            return
        # a zero scale in the last norm silences the branch at the start of the training
        for m in self.modules():
            if isinstance(m, BasicBlock):
                nn.init.zeros_(m.bn2.weight)
            elif isinstance(m, Bottleneck):
                nn.init.zeros_(m.bn3.weight)

    def _make_layer(self, block, width, num_blocks, stride=1):
        out_ch = width * block.expansion
        downsample = None
        if stride != 1 or self.in_ch != out_ch:
            downsample = nn.Sequential(conv1x1(self.in_ch, out_ch, stride), self.norm_layer(out_ch))

        blocks = [block(self.in_ch, width, stride, downsample, self.norm_layer)]
        self.in_ch = out_ch
        for _ in range(1, num_blocks):
            blocks.append(block(self.in_ch, width, norm_layer=self.norm_layer))
        return nn.Sequential(*blocks)

    def features(self, x):
        """Feature map before pooling, 1/32 of the image's size (1/8 for small images)."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.pool(x)
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        return x

    def forward(self, x):
        x = self.features(x)
        x = self.avgpool(x)
        x = torch.flatten(x, 1)
        return self.fc(x)


def resnet18(**kwargs):
    """ResNet-18; keyword arguments go on to `ResNet`."""
    return ResNet(BasicBlock, [2, 2, 2, 2], **kwargs)


def resnet34(**kwargs):
    """ResNet-34."""
    return ResNet(BasicBlock, [3, 4, 6, 3], **kwargs)


def resnet50(**kwargs):
    """ResNet-50."""
    return ResNet(Bottleneck, [3, 4, 6, 3], **kwargs)
