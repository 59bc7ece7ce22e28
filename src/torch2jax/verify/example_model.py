"""The model that rule examples of optimizers call `model`. Its source becomes part of the example's program."""

from torch import nn


class Model(nn.Module):
    """Two layers, for groups of parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.second = nn.Linear(4, 2)
