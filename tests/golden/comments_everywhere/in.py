#!/usr/bin/env python
# -*- coding: utf-8 -*-
"""Comments, blank lines and odd layouts, all of which stay: see torch.nn.Linear.

Usage: nn.Conv2d(1, 2, 3) in this text is not code.
"""

# imports
import torch  # the framework
import torch.nn as nn


class Net(nn.Module):  # a net
    '''Single quotes, with "double" ones inside.'''

    # configuration
    hidden = 6 ; depth = 1

    def __init__(
        self,
        d=4,  # input width
        k = 3,
    ):
        super().__init__()
        # --- layers -------------------------------------------------
        self.conv = nn.Conv1d(
            d,  # in
            self.hidden,  # out
            kernel_size=3,
            # keep the length
            padding=1,
            bias=False,  # a norm follows
        )  # (N, hidden, L)

        self.out = nn.Sequential(
            # first
            nn.BatchNorm1d(self.hidden), nn.ReLU(inplace=True),

            # second
            nn.Conv1d(self.hidden, k, 1)
        )

    def forward(self, x):
        """Nothing to see."""

        # x: (N, d, L)
        x = self.conv(x) ; y = self.out(
            x)  # (N, k, L)
        # x = torch.relu(x)
        mix = torch.cat(
            [
                y,  # new
                # the old one follows
                x.mean(1, keepdim=True),
            ],
            dim = 1,
        ) \
            .sum(-1)
        return mix   # done


# end of file
