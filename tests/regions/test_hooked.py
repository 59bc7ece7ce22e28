"""Steps of models whose layers call hooks: they keep what PyTorch's keep, or are refused with the cause at its line."""

from textwrap import dedent

import pytest

from torch2jax import convert

HEAD = """\
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 2)

    def forward(self, x):
        return self.fc(x)


"""
KEPT = """\
class Kept(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = Net()
        self.last = None
        self.net.fc.register_forward_hook(self.keep)

    def keep(self, module, args, output):
        self.last = output.detach()

    def forward(self, x):
        return self.net(x)


"""
STEP = """\
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for x, y in batches:
        optimizer.zero_grad()
        loss = F.mse_loss({output}, y)
        loss.backward()
        optimizer.step()
    return kept
"""


def train(hook: str, output: str = "net(x)", model: str = "Net()", classes: str = "") -> list[str]:
    body = f"def train(batches):\n    net, kept, count = {model}, [], 0\n{hook}{STEP.format(output=output)}"
    conversion = convert(HEAD + classes + body)
    return [d.message for d in conversion.diagnostics if d.severity == "error"]


def registered(body: str) -> str:
    lines = dedent(body).strip().splitlines()
    inner = "".join(f"        {line}\n" for line in lines)
    return f"    def hook(module, args, output):\n{inner}    net.fc.register_forward_hook(hook)\n"


RECORDING = {
    "detached": "kept.append(output.detach())",
    "a number": "kept.append(output.mean().item())",
    "an array on the host": "kept.append(output.detach().cpu().numpy())",
    "sizes": "kept.append((output.shape[0], len(args)))",
    "named like a batch": "x = output.detach()\nkept.append(x)",
    "computed in between": "norm = output.norm(dim=1)\nkept.append(norm.detach())",
    "a new output": "return output * 2",
    "printed": "print(output.detach().mean().item())",
}


@pytest.mark.parametrize("body", RECORDING.values(), ids=RECORDING)
def test_hooks_that_only_record_leave_the_step_uncompiled(body: str) -> None:
    assert train(registered(body)) == []


REFUSED = {
    "with its graph": (registered("kept.append(output)"), "net(x)", "keeps or passes on an array"),
    "computed": (registered("norm = output.norm(dim=1)\nkept.append(norm)"), "net(x)", "keeps or passes on an array"),
    "added up": (registered("nonlocal count\ncount = count + output.sum()"), "net(x)", "keeps or passes on an array"),
    "printed": (registered("print(output)"), "net(x)", "keeps or passes on an array"),
    "used in the loss": (registered("kept.append(output.detach())"), "net(x) + kept[-1]", "the loss may depend on"),
    "used under another name": (
        registered("kept.append(output.detach())") + "    other = kept\n",
        "net(x) + other[-1]",
        "the loss may depend on",
    ),
    "kept through a name": (
        registered("mine = kept\nmine.append(output.detach())"),
        "net(x) + kept[-1]",
        "the loss may depend on",
    ),
    "unknown": ("    net.fc.register_forward_hook(make())\n", "net(x)", "what a hook does is not known"),
}


@pytest.mark.parametrize(("hook", "output", "cause"), REFUSED.values(), ids=REFUSED)
def test_what_hooks_would_keep_otherwise_is_refused(hook: str, output: str, cause: str) -> None:
    found = train(hook, output)
    assert any(cause in message for message in found)
    assert any("no training step can be made" in message for message in found)


def test_a_hook_of_a_module_would_keep_things_in_the_copy_that_is_not_trained() -> None:
    assert any("a hook that belongs to a module" in message for message in train("", model="Kept()", classes=KEPT))


def test_a_step_that_registers_hooks_is_refused() -> None:
    helper = "    def forward(net, x):\n        net.fc.register_forward_hook(lambda *_: None)\n        return net(x)\n"
    assert any("registers a hook" in message for message in train(helper, "forward(net, x)"))


def test_derivatives_with_respect_to_arrays_are_refused_alike() -> None:
    conversion = convert(
        f"{HEAD}def saliency(net: Net, x):\n    kept = []\n"
        "    net.fc.register_forward_hook(lambda module, args, output: kept.append(output))\n"
        "    x.requires_grad_()\n    score = net(x)[0, 0]\n    return torch.autograd.grad(score, x)[0], kept[0]\n"
    )
    assert any("keeps or passes on an array" in d.message for d in conversion.diagnostics)
