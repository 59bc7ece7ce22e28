"""Canonical names of torch, checked against torch itself, and methods that only tensors have."""

import importlib

import pytest

from torch2jax.rules.aliases import canonical, tensor_only

ALIASES = {
    "torch.nn.modules.linear.Linear": "torch.nn.Linear",
    "torch.nn.modules.Linear": "torch.nn.Linear",
    "torch.nn.modules.module.Module": "torch.nn.Module",
    "torch.nn.modules.batchnorm.BatchNorm2d": "torch.nn.BatchNorm2d",
    "torch.nn.parameter.Parameter": "torch.nn.Parameter",
    "torch._tensor.Tensor": "torch.Tensor",
    "torch.functional.einsum": "torch.einsum",
    "torch._C._nn.gelu": "torch.nn.functional.gelu",
    "torch.optim.adam.Adam": "torch.optim.Adam",
    "torch.utils.data.dataloader.DataLoader": "torch.utils.data.DataLoader",
    "torch.nn.modules.conv._pair": "torch.nn.modules.utils._pair",
    "torch.nn.modules.conv.F.relu": "torch.nn.functional.relu",
    "torch.autograd.grad_mode.no_grad": "torch.no_grad",
    "torch.autograd.variable.Variable": "torch.autograd.Variable",
    "torch.nn.utils.clip_grad.clip_grad_norm_": "torch.nn.utils.clip_grad_norm_",
    "torch.nn.parallel.distributed.DistributedDataParallel": "torch.nn.parallel.DistributedDataParallel",
}
UNCHANGED = [
    "torch.nn.Linear", "torch.nn.functional.relu", "torch.Tensor.view", "torch.optim.Adam",
    "torch.optim.lr_scheduler.StepLR", "torch.nn.modules.utils._pair", "numpy.sum", "torch.nn.init.zeros_", "torch",
    "torch.nn.modules.conv",
]  # fmt: skip


@pytest.mark.parametrize(("name", "documented"), ALIASES.items())
def test_aliases(name: str, documented: str) -> None:
    assert canonical(name) == documented
    assert canonical(documented) == documented


@pytest.mark.parametrize("name", UNCHANGED)
def test_canonical_names_stay(name: str) -> None:
    assert canonical(name) == name


def resolve(name: str) -> object:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            found = getattr(found, part)
        return found
    raise LookupError(name)


@pytest.mark.parametrize(("name", "documented"), ALIASES.items())
def test_aliases_are_the_same_object(name: str, documented: str) -> None:
    pytest.importorskip("torch")
    if name == "torch.autograd.grad_mode.no_grad" or not name.startswith("torch._C"):
        assert resolve(name) is resolve(documented)


def test_tensor_only_methods() -> None:
    names = [
        "unsqueeze",
        "masked_fill",
        "sum",
        "size",
        "copy",
        "view",
        "format",
        "to",
        "split",
        "permute",
        "index_select",
    ]
    assert tensor_only(names) == {"unsqueeze", "masked_fill", "permute", "index_select"}


def test_no_tensor_only_method_belongs_to_an_array_or_a_module() -> None:
    np = pytest.importorskip("numpy")
    torch = pytest.importorskip("torch")
    others = {*dir(np.ndarray), *dir(torch.nn.Module), *dir(torch.nn.ModuleList), *dir(torch.optim.Optimizer)}
    methods = {name for name in dir(torch.Tensor) if not name.startswith("_")}
    assert tensor_only(methods) & others == set()
