"""Which differences are only rounding: a rule for results that float64 itself does not determine to 1e-9.

Most results do. Some do not: the gradient of a bias in front of a batch norm is zero but for rounding, a difference
of two large numbers keeps few digits. How far torch is from the exact result is *measured*: the original runs again,
and the result of every arithmetic operation is moved at random by up to one unit in its last place (Monte Carlo
arithmetic). What then changes in an array is the error that torch's own arithmetic has in it.

An array agrees if it differs by at most `FACTOR` times that error, and if that allowance is itself below `CEILING` of
the largest value compared on the rung: a larger one could hide a mistake, so nothing is decided then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from torch2jax.verify.compare import AGREEMENT, ArrayError, Comparison, compare_leaves
from torch2jax.verify.report import Verdict

FACTOR = 32.0
"""Torch and the translation round in different places and orders; the largest of a few samples is not the maximum."""
CEILING = 1e-8
RERUNS = 3
_UNIT = 2.0**-52


class LastPlaces(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Moves what float64 arithmetic yields by up to one unit in the last place, except for whole numbers.

    Whole numbers (masks, counts, one-hots) are exact, and operations that only move or select values do not round.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seed = seed
        self._generator = torch.Generator().manual_seed(seed)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """One operation."""
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if name.rstrip("_") in _ROUNDING or name.endswith("_backward"):
            for part in result if isinstance(result, tuple | list) else (result,):
                if isinstance(part, torch.Tensor) and part.dtype in (torch.float64, torch.complex128):
                    self._move(torch.view_as_real(part) if part.is_complex() else part)
        return result

    def _move(self, values: torch.Tensor) -> None:
        by = torch.rand(values.shape, generator=self._generator, dtype=torch.float64) * 2 - 1
        by = torch.where(values == values.round(), 0.0, by * _UNIT)
        values.add_(values * by)


_ROUNDING = frozenset(
    """
    add sub rsub mul div reciprocal pow sqrt rsqrt exp exp2 expm1 log log2 log10 log1p logaddexp logaddexp2 sin cos tan
    asin acos atan atan2 sinh cosh tanh asinh acosh atanh sigmoid log_sigmoid_forward erf erfc erfinv lgamma digamma
    softplus gelu silu elu celu selu mish hardswish hardsigmoid leaky_relu _prelu_kernel addcmul addcdiv lerp hypot
    mm addmm bmm baddbmm addmv mv dot vdot addbmm addr linear einsum convolution _convolution mkldnn_convolution
    thnn_conv2d _slow_conv2d_forward slow_conv3d_forward conv_depthwise3d slow_conv_transpose2d slow_conv_dilated2d
    sum mean prod cumsum cumprod logcumsumexp var std var_mean std_mean norm linalg_vector_norm logsumexp _cdist_forward
    _softmax _log_softmax native_batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training
    native_layer_norm native_group_norm avg_pool1d avg_pool2d avg_pool3d _adaptive_avg_pool2d _adaptive_avg_pool3d
    upsample_bilinear2d upsample_bicubic2d upsample_linear1d upsample_trilinear3d _upsample_bilinear2d_aa
    grid_sampler_2d grid_sampler_3d nll_loss_forward nll_loss2d_forward mse_loss smooth_l1_loss huber_loss
    binary_cross_entropy binary_cross_entropy_with_logits _scaled_dot_product_flash_attention_for_cpu
    linalg_inv_ex linalg_solve _linalg_solve_ex _linalg_svd linalg_qr _linalg_eigh linalg_cholesky_ex _linalg_det
    linalg_lu_factor_ex linalg_solve_triangular triangular_solve cholesky_solve scatter_add index_add _fft_c2c _fft_r2c
    _fft_c2r _embedding_bag glu _thnn_fused_lstm_cell
    """.split()
)
"""Operators that compute; their backward passes do so too."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """The verdict on a float64 comparison, a sentence about it, and the arrays that only rounding explains.

    chaotic: torch's own rounding moves some array by more than anything could be decided by.
    """

    verdict: Verdict
    detail: str = ""
    excused: frozenset[str] = frozenset()
    chaotic: bool = False


def rule(
    comparison: Comparison, expected: Mapping[str, Any], rerun: Callable[[TorchDispatchMode], Mapping[str, Any]]
) -> Ruling:
    """Decide on a comparison. ``rerun`` runs the original under a mode and returns leaves like ``expected``."""
    if comparison.problem:
        return Ruling(Verdict.DIFFERS, comparison.problem)
    doubtful = [array for array in comparison.arrays if array.max_rel > AGREEMENT]
    if not doubtful:
        return Ruling(Verdict.AGREES)
    own = own_errors(expected, rerun)
    wrong = [array for array in doubtful if array.max_abs > FACTOR * own.get(array.path, 0.0)]
    scale = max(array.scale for array in comparison.arrays)
    loose = [array for array in doubtful if FACTOR * own.get(array.path, 0.0) > CEILING * scale]
    if wrong:
        worst = max(wrong, key=lambda array: array.max_rel)
        detail = f"worst at {worst.path}{_beside(own.get(worst.path, 0.0), worst)}"
        return Ruling(Verdict.DIFFERS, detail, chaotic=bool(loose))
    if loose:
        worst = max(loose, key=lambda array: own[array.path])
        detail = f"ill-conditioned: {worst.path}{_beside(own[worst.path], worst)}"
        return Ruling(Verdict.UNDECIDED, detail, chaotic=True)
    paths = ", ".join(array.path for array in doubtful[:3]) + (", ..." if len(doubtful) > 3 else "")
    excused = frozenset(array.path for array in doubtful)
    return Ruling(Verdict.AGREES, f"{paths}: within the error of torch's own rounding", excused)


def own_errors(
    expected: Mapping[str, Any], rerun: Callable[[TorchDispatchMode], Mapping[str, Any]]
) -> dict[str, float]:
    """The largest absolute change of each array over a few reruns with moved last places."""
    errors: dict[str, float] = {}
    for seed in range(RERUNS):
        for array in compare_leaves(expected, rerun(LastPlaces(seed))).arrays:
            errors[array.path] = max(errors.get(array.path, 0.0), array.max_abs)
    return {path: error if np.isfinite(error) else 0.0 for path, error in errors.items()}


def _beside(own: float, array: ArrayError) -> str:
    relative = own / array.scale if array.scale else own
    return f" (torch's own rounding error there: {relative:.1e})" if relative > AGREEMENT / FACTOR else ""
