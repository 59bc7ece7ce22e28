"""MobileNetV2: depthwise convolutions between narrow linear layers (Sandler et al., 2018)."""

from typing import List, Optional, Type

from torch import Tensor, nn


def make_divisible(channels: float, divisor: int = 8, minimum: Optional[int] = None) -> int:
    """The nearest multiple of `divisor`, but never more than 10 % below `channels`."""
    minimum = divisor if minimum is None else minimum
    rounded = max(minimum, int(channels + divisor / 2) // divisor * divisor)
    return rounded if rounded >= 0.9 * channels else rounded + divisor


class ConvBNReLU(nn.Sequential):
    """Convolution that keeps the size (up to the stride), batch norm, ReLU6."""

    def __init__(
        self,
        c_in: int,
        c_out: int,
        kernel_size: int = 3,
        stride: int = 1,
        groups: int = 1,
        norm_layer: Type[nn.Module] = nn.BatchNorm2d,
    ) -> None:
        super().__init__(
            nn.Conv2d(c_in, c_out, kernel_size, stride, (kernel_size - 1) // 2, groups=groups, bias=False),
            norm_layer(c_out),
            nn.ReLU6(inplace=True),
        )
        self.out_channels = c_out


class InvertedResidual(nn.Module):
    """Widen, filter each channel, narrow without an activation; add the input where shapes allow it."""

    def __init__(self, c_in: int, c_out: int, stride: int, expand_ratio: int) -> None:
        super().__init__()
        if stride not in (1, 2):
            raise ValueError(f"stride must be 1 or 2, got {stride}")
        self.shortcut = stride == 1 and c_in == c_out
        wide = int(round(c_in * expand_ratio))

        layers: List[nn.Module] = []
        if expand_ratio != 1:
            layers.append(ConvBNReLU(c_in, wide, kernel_size=1))
        layers.extend([
            ConvBNReLU(wide, wide, stride=stride, groups=wide),  # depthwise
            nn.Conv2d(wide, c_out, kernel_size=1, bias=False),
            nn.BatchNorm2d(c_out),
        ])
        self.conv = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        if self.shortcut:
            return x + self.conv(x)
        return self.conv(x)


class MobileNetV2(nn.Module):
    """
    Args:
        num_classes: number of scores
        width_mult: factor on the channels of every layer
        in_channels: channels of the images
        settings: one row for each stage: expansion, channels, blocks, stride of the first block
        round_nearest: the channels become multiples of this
        dropout: probability in front of the classifier
    """

    # expansion, channels, blocks, stride
    default_settings = (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    )

    def __init__(
        self,
        num_classes: int = 1000,
        width_mult: float = 1.0,
        in_channels: int = 3,
        settings=None,
        round_nearest: int = 8,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        if settings is None:
            settings = self.default_settings

        channels = make_divisible(32 * width_mult, round_nearest)
        last = make_divisible(1280 * max(1.0, width_mult), round_nearest)
        features: List[nn.Module] = [ConvBNReLU(in_channels, channels, stride=2)]
        for expansion, c, repeats, stride in settings:
            c_out = make_divisible(c * width_mult, round_nearest)
            for i in range(repeats):
                features.append(InvertedResidual(channels, c_out, stride if i == 0 else 1, expansion))
                channels = c_out
        features.append(ConvBNReLU(channels, last, kernel_size=1))

        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(p=dropout), nn.Linear(last, num_classes))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out")
                if m.bias is not None:
                    nn.init.zeros_(m.bias)
            elif isinstance(m, nn.BatchNorm2d):
                nn.init.ones_(m.weight)
                nn.init.zeros_(m.bias)
            elif isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, std=0.01)
                nn.init.zeros_(m.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        x = x.mean([2, 3])  # global average pooling
        return self.classifier(x)


def mobilenet_v2_tiny(**kwargs) -> MobileNetV2:
    """A quarter of the width and four stages, for small images."""
    settings = [[1, 16, 1, 1], [4, 24, 2, 2], [4, 32, 2, 1], [4, 48, 1, 2]]
    return MobileNetV2(width_mult=0.25, settings=settings, **kwargs)
