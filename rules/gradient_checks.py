"""Checks of gradients against finite differences."""

from torch2jax.rulebook import *


@rule("torch.autograd.gradcheck")
def gradcheck(
    func: Callable,
    inputs,
    *,
    eps=1e-6,
    atol=1e-5,
    rtol=1e-3,
    raise_exception=True,
    nondet_tol=0.0,
    check_undefined_grad=True,
    check_grad_dtypes=False,
    check_batched_grad=False,
    check_batched_forward_grad=False,
    check_forward_ad=False,
    check_backward_ad=True,
    fast_mode=False,
    masked=None,
) -> bool:
    """Whether gradients are those of finite differences.

    >>> torch.autograd.gradcheck(torch.sin, (f32(3).double(),))
    """
    raise Unsupported("PyTorch's check of gradients", "use jax.test_util.check_grads(func, inputs, order=1)")


@rule("torch.autograd.gradgradcheck")
def gradgradcheck(
    func: Callable,
    inputs,
    grad_outputs=None,
    *,
    eps=1e-6,
    atol=1e-5,
    rtol=1e-3,
    gen_non_contig_grad_outputs=False,
    raise_exception=True,
    nondet_tol=0.0,
    check_undefined_grad=True,
    check_grad_dtypes=False,
    check_batched_grad=False,
    check_fwd_over_rev=False,
    check_rev_over_rev=True,
    fast_mode=False,
    masked=False,
) -> bool:
    """Whether second derivatives are those of finite differences.

    >>> torch.autograd.gradgradcheck(torch.sin, (f32(3).double(),))
    """
    raise Unsupported("PyTorch's check of gradients", "use jax.test_util.check_grads(func, inputs, order=2)")
