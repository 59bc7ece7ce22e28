from abc import abstractmethod

import torch.nn as nn


class BaseModel(nn.Module):
    """
    Base class for all models
    """

    @abstractmethod
    def forward(self, *inputs):
        """
        Forward pass logic

        :return: Model output
        """
        raise NotImplementedError

    def num_parameters(self):
        """
        Number of trainable parameters
        """
        return sum(p.numel() for p in self.parameters() if p.requires_grad)
