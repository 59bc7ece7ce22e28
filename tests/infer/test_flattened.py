"""Loops that flatten parameters get copies in PyTorch's order of axes, where nothing may change or keep one."""

from textwrap import dedent

import libcst as cst
import pytest

from torch2jax.infer.flattened import flattening_walks


def count(source: str) -> int:
    return len(flattening_walks(cst.parse_module(dedent(source))))


@pytest.mark.parametrize(
    "source",
    [
        "flat = torch.cat([p.view(-1) for p in net.parameters()])",
        "flat = torch.cat([p.grad.detach().reshape(-1) for p in net.parameters() if p.grad is not None])",
        "flat = torch.cat([torch.flatten(p) for _, p in net.named_parameters()])",
        "flat = {name: p.data.flatten() for name, p in net.named_parameters()}",
        """\
        for i, p in enumerate(net.parameters()):
            flat.append(p.grad.contiguous().view(-1))
            n += p.numel()
        """,
    ],
)
def test_a_loop_that_reads_and_flattens(source: str) -> None:
    assert count(source) == 1


@pytest.mark.parametrize(
    "body",
    [
        "log(p.norm())",
        "p.view(-1)[0] = 1",
        "p.view(-1).zero_()",
        "log(p.view(-1)); p.data = x",
        "log(p.view(-1)); p.grad *= 2",
        "log(p.view(-1)); kept.append(p)",
        "log(p.view(-1)); g = p.grad",
        "log(p.view(-1)); kept = [p.data]",
        "log(p.view(-1)); x = state[p]",
        "log(p.view(-1)); x = p in kept",
        "log(p.view(-1)); torch.nn.init.normal_(p)",
        "log(p.view(-1)); del p.grad",
    ],
)
def test_a_loop_that_does_not_flatten_or_may_change_one(body: str) -> None:
    assert count(f"for p in net.parameters(): {body}") == 0
