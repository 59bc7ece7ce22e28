"""Squeeze-and-excitation (Hu et al., 2018) and relatives that reweight channels or pixels."""

import math

import torch
from torch import nn
import torch.nn.functional as F


class SELayer(nn.Module):
    """Two linear layers on the averages of the channels decide how much of each channel passes."""

    def __init__(self, channel, reduction=16):
        super(SELayer, self).__init__()
        hidden = max(channel // reduction, 1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.gate = nn.Sequential(
            nn.Linear(channel, hidden, bias=False),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, channel, bias=False),
            nn.Sigmoid()
        )

    def forward(self, x):
        b, c, _, _ = x.size()
        s = self.pool(x).view(b, c)
        s = self.gate(s).view(b, c, 1, 1)
        return x * s.expand_as(x)


class ECALayer(nn.Module):
    """Efficient channel attention: a convolution along the channels, its size grows with their number."""

    def __init__(self, channel, gamma=2, b=1):
        super(ECALayer, self).__init__()
        k = int(abs((math.log(channel, 2) + b) / gamma))
        k += 1 - k % 2  # an odd size, so that "same" padding is symmetric
        self.conv = nn.Conv1d(1, 1, kernel_size=k, padding=k // 2, bias=False)

    def forward(self, x):
        y = F.adaptive_avg_pool2d(x, 1)         # (b, c, 1, 1)
        y = y.squeeze(-1).transpose(-1, -2)     # (b, 1, c)
        y = self.conv(y).sigmoid()
        return x * y.transpose(-1, -2).unsqueeze(-1)


class SpatialGate(nn.Module):
    """Attention over pixels from the maximum and the mean over the channels (CBAM)."""

    def __init__(self, kernel_size=7):
        super(SpatialGate, self).__init__()
        self.conv = nn.Conv2d(2, 1, kernel_size, padding=(kernel_size - 1) // 2)

    def forward(self, x):
        strongest = torch.max(x, 1)[0].unsqueeze(1)
        average = torch.mean(x, 1).unsqueeze(1)
        pixels = self.conv(torch.cat((strongest, average), dim=1))
        return x * torch.sigmoid(pixels)


class SEBasicBlock(nn.Module):
    """Residual block with an attention layer before the addition."""

    attention_types = {'se': SELayer, 'eca': ECALayer}

    def __init__(self, inplanes, planes, stride=1, attention='se', **kwargs):
        super(SEBasicBlock, self).__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.att = self.attention_types[attention](planes, **kwargs)
        if inplanes != planes or stride != 1:
            self.downsample = nn.Sequential(nn.Conv2d(inplanes, planes, 1, stride, bias=False),
                                            nn.BatchNorm2d(planes))
        else:
            self.downsample = lambda x: x

    def forward(self, x):
        residual = self.downsample(x)
        out = F.relu(self.bn1(self.conv1(x)), inplace=True)
        out = self.att(self.bn2(self.conv2(out)))
        out += residual
        return F.relu(out)


class SENet(nn.Module):
    """A small SE-ResNet for CIFAR."""

    def __init__(self, num_classes=10, in_channels=3, planes=(16, 32, 64), n_size=1, reduction=8):
        super(SENet, self).__init__()
        self.conv1 = nn.Conv2d(in_channels, planes[0], kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes[0])
        self.inplane = planes[0]
        for i, width in enumerate(planes):
            stride = 1 if i == 0 else 2
            setattr(self, 'layer%d' % (i + 1), self._make_layer(width, n_size, stride, reduction))
        self.num_layers = len(planes)
        self.gate = SpatialGate(kernel_size=3)
        self.fc = nn.Linear(planes[-1], num_classes)

        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                n = m.kernel_size[0] * m.kernel_size[1] * m.out_channels
                m.weight.data.normal_(0, math.sqrt(2. / n))
            elif isinstance(m, nn.BatchNorm2d):
                m.weight.data.fill_(1)
                m.bias.data.zero_()

    def _make_layer(self, planes, blocks, stride, reduction):
        strides = [stride] + [1] * (blocks - 1)
        layers = []
        for stride in strides:
            layers.append(SEBasicBlock(self.inplane, planes, stride, reduction=reduction))
            self.inplane = planes
        return nn.Sequential(*layers)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        for i in range(1, self.num_layers + 1):
            x = getattr(self, 'layer%d' % i)(x)
        x = self.gate(x)
        x = F.avg_pool2d(x, x.size()[2:])
        x = x.view(x.size(0), -1)
        return self.fc(x)
