from abc import abstractmethod

from flax import nnx

from .torch2jax_helpers import parameters


class BaseModel(nnx.Module):
    """
    Base class for all models
    """
    deterministic = False

    @abstractmethod
    def __call__(self, *inputs):
        """
        Forward pass logic

        :return: Model output
        """
        raise NotImplementedError

    def num_parameters(self):
        """
        Number of trainable parameters
        """
        return sum(p.size for p in parameters(self) if isinstance(p, nnx.Param))
