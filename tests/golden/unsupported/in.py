"""What can't be translated: each of these must be reported, none may pass in silence."""
import torch
import torch.nn as nn
from torch.utils.checkpoint import checkpoint


class Hooked(nn.Module):
    def __init__(self, d=4):
        super().__init__()
        self.fc = nn.Linear(d, d)
        self.features = {}
        self.fc.register_full_backward_hook(self.save)

    def save(self, module, inputs, output):
        self.features["fc"] = output.detach()

    def forward(self, x):
        y = checkpoint(self.fc, x, use_reentrant=False)
        pointer = y.data_ptr()
        storage = y.untyped_storage()
        strided = torch.as_strided(y, (2, 2), (1, 2))
        y = torch.some_function_of_the_future(y, pointer)
        y.retain_grad()
        return y + strided.sum() + len(storage)


class Function(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * (x > 0)


def fast(model, x):
    model = torch.jit.script(model)
    traced = torch.jit.trace(model, x)
    return traced(x), Function.apply(x)
