"""U-Net for segmentation: an encoder, a decoder, and a skip connection at each resolution."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class DoubleConv(nn.Module):
    """Two rounds of 3x3 convolution, batch norm and ReLU."""

    def __init__(self, c_in, c_out, c_mid=None):
        super().__init__()
        c_mid = c_mid or c_out
        self.net = nn.Sequential(
            nn.Conv2d(c_in, c_mid, 3, padding=1, bias=False),
            nn.BatchNorm2d(c_mid),
            nn.ReLU(inplace=True),
            nn.Conv2d(c_mid, c_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(c_out),
            nn.ReLU(inplace=True),
        )

    def forward(self, x):
        return self.net(x)


class Up(nn.Module):
    """Double the resolution, join with the encoder's features, and convolve.

    With `bilinear` the upsampling has no weights and the convolutions narrow the channels;
    otherwise a transposed convolution halves them.
    """

    def __init__(self, c_in, c_skip, c_out, bilinear):
        super().__init__()
        if bilinear:
            self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
            self.conv = DoubleConv(c_in + c_skip, c_out, c_mid=(c_in + c_skip) // 2)
        else:
            self.up = nn.ConvTranspose2d(c_in, c_in // 2, kernel_size=2, stride=2)
            self.conv = DoubleConv(c_in // 2 + c_skip, c_out)

    def forward(self, x, skip):
        x = self.up(x)
        # pooling rounds odd sizes down: pad what is missing, evenly on both sides
        dh = skip.size(2) - x.size(2)
        dw = skip.size(3) - x.size(3)
        x = F.pad(x, [dw // 2, dw - dw // 2, dh // 2, dh - dh // 2])
        return self.conv(torch.cat([skip, x], dim=1))


class UNet(nn.Module):
    """Image (N, C, H, W) -> scores (N, classes, H, W), for any H and W down to 2**depth.

    Args:
        in_channels: channels of the image
        num_classes: number of classes
        base: channels at full resolution, doubled at each level
        depth: number of times the resolution is halved
        bilinear: upsample by interpolation instead of transposed convolutions
    """

    def __init__(self, in_channels=3, num_classes=2, base=16, depth=4, bilinear=False):
        super().__init__()
        widths = [base * 2**level for level in range(depth + 1)]

        self.stem = DoubleConv(in_channels, widths[0])
        self.pool = nn.MaxPool2d(2)
        self.downs = nn.ModuleList(DoubleConv(a, b) for a, b in zip(widths[:-1], widths[1:]))

        self.ups = nn.ModuleList()
        for level in reversed(range(depth)):
            self.ups.append(Up(widths[level + 1], widths[level], widths[level], bilinear))
        self.head = nn.Conv2d(widths[0], num_classes, kernel_size=1)

    def forward(self, x):
        skips = [self.stem(x)]
        for down in self.downs:
            skips.append(down(self.pool(skips[-1])))

        x = skips.pop()
        for up in self.ups:
            x = up(x, skips.pop())
        return self.head(x)


class SmallUNet(nn.Module):
    """The same network with three levels spelled out, as many people write it."""

    def __init__(self, in_channels=1, num_classes=2, base=8, bilinear=True):
        super(SmallUNet, self).__init__()
        self.enc1 = DoubleConv(in_channels, base)
        self.enc2 = DoubleConv(base, base * 2)
        self.bottom = DoubleConv(base * 2, base * 4)
        self.dec2 = Up(base * 4, base * 2, base * 2, bilinear)
        self.dec1 = Up(base * 2, base, base, bilinear)
        self.out = nn.Conv2d(base, num_classes, 1)

    def forward(self, x):
        e1 = self.enc1(x)
        e2 = self.enc2(F.max_pool2d(e1, 2))
        b = self.bottom(F.max_pool2d(e2, 2))
        d2 = self.dec2(b, e2)
        d1 = self.dec1(d2, e1)
        out = self.out(d1)
        if self.training:
            return out
        return torch.softmax(out, dim=1)


class DiceLoss(nn.Module):
    """One minus the soft Dice overlap, averaged over images and classes."""

    def __init__(self, smooth=1.0, from_logits=True):
        super(DiceLoss, self).__init__()
        self.smooth = smooth
        self.from_logits = from_logits

    def forward(self, pred, target):
        # both (N, C, H, W)
        prob = torch.sigmoid(pred) if self.from_logits else pred
        dims = (2, 3)
        inter = (prob * target).sum(dim=dims)
        total = prob.sum(dim=dims) + target.sum(dim=dims)
        dice = (2.0 * inter + self.smooth) / (total + self.smooth)
        return 1 - dice.mean()
