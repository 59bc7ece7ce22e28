"""Gradients where functions have none, or several: at ties, zeros, edges, infinities. Both frameworks choose the same.

`zero` is 0 with the gradient 1, `tied` has equal numbers in every row, and `edge` is -1, 0, 1 and 2. Which of equal
numbers `topk` and `kthvalue` choose is open in PyTorch.
"""

import warnings
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("flax")

from torch2jax.rules.model import Example
from torch2jax.verify.examples import Status, run_example

GIVEN = """x = f32(3, 4)
zero = x - x.detach()
tied = zero + torch.tensor([[2.0, 1.0, 2.0, 1.0], [0.0, 0.0, 0.0, 0.0], [3.0, 1.0, 1.0, 3.0]])
edge = zero + torch.tensor([-1.0, 0.0, 1.0, 2.0])
"""

TRAPS = """
zero.norm()
zero.norm(dim=1)
zero.norm(1)
zero.norm(3, dim=0)
zero.norm(0.5, dim=1)
zero.norm(float("inf"))
torch.norm(tied, float("inf"), 1)
torch.linalg.norm(zero)
torch.linalg.vector_norm(zero, 3, dim=1)
torch.linalg.vector_norm(tied, -float("inf"), dim=1)
torch.linalg.matrix_norm(zero)
torch.dist(zero, zero.detach())
torch.renorm(zero, 2, 0, 1.0)
F.normalize(zero, dim=1)
F.cosine_similarity(zero, x, dim=1)
F.pairwise_distance(zero, zero.detach(), eps=0.0)
F.pdist(zero)
torch.cdist(zero, zero)
torch.cdist(x, x)
torch.cdist(x, x, p=1.0)
torch.cdist(x, x, p=3.0)
F.triplet_margin_loss(zero, zero, zero, eps=0.0)
zero.abs()
edge.abs()
(c64(2, 3) * 0).abs()
zero.sign()
F.l1_loss(zero, zero.detach())
F.smooth_l1_loss(edge, zero.detach())
F.huber_loss(edge, zero.detach())
F.hinge_embedding_loss(edge, -torch.ones(3, 4, dtype=torch.float64))
F.margin_ranking_loss(zero, zero.detach(), torch.ones(3, 4, dtype=torch.float64))
F.relu(zero)
F.relu6(edge * 3)
F.leaky_relu(zero, 0.1)
F.elu(zero, 2.0)
F.celu(zero, 2.0)
F.selu(zero)
F.prelu(zero, pos(1))
F.hardtanh(edge)
F.hardsigmoid(edge * 3)
F.hardswish(edge * 3)
F.hardshrink(edge, 1.0)
F.softshrink(edge, 1.0)
F.threshold(zero, 0.0, 3.0)
F.logsigmoid(x * 1000)
F.softplus(x * 1000)
F.softplus(edge * 20)
F.gelu(x * 1000)
torch.maximum(zero, zero.detach())
torch.maximum(zero, x - x.detach())
torch.minimum(zero, zero.detach())
torch.max(zero, zero.detach())
torch.fmax(zero, zero.detach())
torch.fmin(zero, zero.detach())
edge.clamp(min=0)
edge.clamp(max=1)
edge.clamp(0, 1)
edge.clip(-1, 2)
edge.clamp_min(0)
edge.clamp(zero.detach(), zero.detach() + 1)
edge.clamp(zero, zero + 1)
edge.clamp(1, 0)
tied.max()
tied.min()
tied.max(dim=1).values
tied.min(dim=0)[0]
tied.amax()
tied.amax(1)
tied.amin((0, 1))
torch.aminmax(tied)
torch.aminmax(tied, dim=1)
tied.median()
tied.median(dim=1).values
tied.nanmedian(dim=1).values
tied.mode(dim=1).values
tied.quantile(0.5, dim=1)
tied.nanquantile(0.5, dim=1)
tied.cummax(1)[0]
tied.cummin(1)[0]
tied.sort(dim=1).values
tied.sort(dim=1, descending=True).values
tied.sort(dim=1, stable=True).values
edge.topk(2, dim=1).values
tied.msort()
tied.gather(1, tied.argsort(dim=1, stable=True))
torch.scatter_reduce(tied, 1, torch.tensor([[0, 0, 1, 1]]), tied, "amax")
torch.scatter_reduce(zero, 1, torch.tensor([[0, 0, 1, 1]]), tied, "prod")
F.max_pool1d(tied[None], 2)
F.max_pool2d(zero[None, None], 2)
F.adaptive_max_pool1d(tied[None], 3)
F.adaptive_max_pool2d(tied[None, None], (2, 3))
zero.sqrt()
edge.rsqrt()
torch.where(zero > 0, zero.sqrt(), 0.0)
torch.where(edge > 0, edge.log(), torch.zeros(3, 4, dtype=torch.float64))
torch.where(edge > 0, edge, 0.0).sqrt()
zero ** 0.5
zero ** 2
zero ** 3.0
zero ** zero.detach()
zero ** (zero + 2)
(zero + 1) ** zero
torch.pow(2.0, zero)
zero.std()
zero.std(dim=1)
zero.var(dim=1).sqrt()
torch.std_mean(zero, dim=1)
zero.prod()
zero.prod(dim=1)
edge.prod(dim=1)
edge.cumprod(1)
(zero - float("inf")).logsumexp(1)
(zero - float("inf")).softmax(1)
(zero - float("inf")).log_softmax(1)
torch.logaddexp(zero - float("inf"), zero - float("inf"))
torch.logcumsumexp(zero, 1)
edge.round()
edge.floor()
edge.ceil()
edge.trunc()
edge.frac()
torch.remainder(edge, 1.0)
torch.fmod(edge, 1.0)
torch.atan2(zero, edge)
torch.asin(edge)
torch.acos(edge)
torch.special.xlogy(zero, edge.detach())
torch.special.entr(zero)
torch.sinc(zero)
torch.logit(zero + 0.5, eps=0.5)
torch.nan_to_num(zero / 0)
torch.copysign(x, zero)
torch.heaviside(zero, x.detach())
x[torch.tensor([0, 0, 1])]
x.index_select(0, torch.tensor([2, 2, 2]))
F.embedding(torch.tensor([0, 0, 2]), x, padding_idx=2)
F.kl_div(x, zero, reduction="sum")
F.binary_cross_entropy(edge[:, 1:3], zero[:, 1:3].detach())
F.cross_entropy(zero, torch.tensor([0, 1, 3]))
F.layer_norm(zero, (4,))
F.scaled_dot_product_attention(x[None], x[None], x[None], torch.zeros(3, 3, dtype=torch.bool))
torch.erfinv(edge / 2)
torch.det(zero[:, :3])
torch.linalg.slogdet(x[:, :3])
""".strip().splitlines()


EVERY = 6  # one trap in so many is tried every time


def tried() -> Iterator[Any]:
    for number, trap in enumerate(TRAPS):
        yield pytest.param(trap, marks=[] if number % EVERY == 0 else [pytest.mark.full])


@pytest.mark.parametrize("trap", list(tried()))
def test_the_gradient_is_the_same(trap: str) -> None:
    used = [line for line in GIVEN.splitlines() if line.split()[0] in ("x", "zero") or line.split()[0] in trap]
    source = "\n".join([*(used if any(name in trap for name in ("x", "zero", "tied", "edge")) else []), trap])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = run_example(Example(source, trap, 1), "traps.py", uncompiled=False)
    assert result.status is Status.AGREES, result.detail
