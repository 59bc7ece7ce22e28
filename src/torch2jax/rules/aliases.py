"""Names of torch: one canonical spelling of each, and which tensor methods no other common type has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

# Where torch keeps a thing, and where its documentation has it.
_EXACT: Final = {
    "torch.nn.parameter.Parameter": "torch.nn.Parameter",
    "torch.nn.parameter.Buffer": "torch.nn.Buffer",
    "torch.nn.parameter.UninitializedParameter": "torch.nn.UninitializedParameter",
    "torch._tensor.Tensor": "torch.Tensor",
    "torch.tensor.Tensor": "torch.Tensor",
    "torch._utils._pair": "torch.nn.modules.utils._pair",
    "torch.autograd.variable.Variable": "torch.autograd.Variable",
    "torch.autograd.function.Function": "torch.autograd.Function",
    "torch.nn.modules.module.Module": "torch.nn.Module",
}
_TUPLES: Final = frozenset({"_single", "_pair", "_triple", "_quadruple", "_ntuple", "_reverse_repeat_tuple"})
_DISTRIBUTIONS: Final = (
    "normal categorical one_hot_categorical bernoulli uniform exponential laplace gamma beta dirichlet "
    "multivariate_normal independent kl distribution binomial cauchy transforms transformed_distribution log_normal "
    "studentT poisson geometric half_normal gumbel relaxed_categorical relaxed_bernoulli mixture_same_family "
    "multinomial negative_binomial half_cauchy pareto weibull chi2 inverse_gamma kumaraswamy logistic_normal "
    "continuous_bernoulli lowrank_multivariate_normal fishersnedecor"
).split()
_PREFIXES: Final = (
    ("torch._C._nn.", "torch.nn.functional."),
    ("torch._C._VariableFunctions.", "torch."),
    ("torch.functional.", "torch."),
    ("torch.autograd.grad_mode.", "torch."),
    ("torch.utils.data.dataloader.", "torch.utils.data."),
    ("torch.utils.data.dataset.", "torch.utils.data."),
    ("torch.utils.data.sampler.", "torch.utils.data."),
    ("torch.nn.utils.clip_grad.", "torch.nn.utils."),
    ("torch.nn.utils.weight_norm.", "torch.nn.utils."),
    ("torch.nn.utils.spectral_norm.", "torch.nn.utils."),
    ("torch.nn.parallel.data_parallel.", "torch.nn.parallel."),
    ("torch.nn.parallel.distributed.", "torch.nn.parallel."),
    *((f"torch.distributions.{module}.", "torch.distributions.") for module in _DISTRIBUTIONS),
)

# What a receiver of unknown type may be besides a tensor: Python's own types, arrays, modules, images, frames.
_SHARED: Final = frozenset(
    {
        "T", "abs", "all", "any", "apply", "argmax", "argmin", "argpartition", "argsort", "astype", "backward",
        "bfloat16", "bool", "buffers", "byte", "byteswap", "ceil", "children", "choose", "clip", "close", "compress",
        "conj", "conjugate", "convert", "copy", "corr", "count", "cpu", "crop", "cuda", "cummax", "cummin", "cumprod",
        "cumsum", "data", "describe", "device", "diagonal", "diff", "div", "divide", "dot", "double", "draft", "dtype",
        "dump", "dumps", "eig", "eq", "eval", "exp", "expand", "explode", "extra_repr", "fill", "filter", "flags",
        "flat", "flatten", "flip", "float", "floor", "floordiv", "forward", "from_bytes", "ge", "get", "getbands",
        "getbbox", "getdata", "getpixel", "gt", "half", "hist", "histogram", "imag", "index", "indices", "int", "ipu",
        "is_cuda", "is_distributed", "isnan", "item", "items", "itemsize", "iteritems", "join", "keys", "kurtosis",
        "le", "load", "load_state_dict", "log", "lower", "lt", "mT", "map", "max", "mean", "median", "merge", "min",
        "mod", "mode", "mtia", "mul", "multiply", "name", "named_buffers", "named_children", "named_modules",
        "named_parameters", "nbytes", "ndim", "ne", "nonzero", "nunique", "offset", "open", "parameters", "partition",
        "pipe", "point", "pop", "pow", "prod", "product", "ptp", "put", "quantile", "quantize", "ravel", "reduce",
        "register_hook", "reinforce", "remove", "rename", "repeat", "replace", "requires_grad_", "resample",
        "reset_parameters", "reshape", "resize", "resolve", "retain_grad", "reverse", "rotate", "round", "save",
        "searchsorted", "seek", "select", "setflags", "shape", "share_memory", "show", "size", "skew", "solve", "sort",
        "sparse", "split", "square", "squeeze", "stack", "std", "step", "strides", "sub", "subtract", "sum", "swapaxes",
        "take", "tell", "thumbnail", "to", "tobytes", "tolist", "topk", "trace", "train", "transform", "transpose",
        "transposed", "truncate", "type", "unique", "unstack", "update", "upper", "values", "var", "verify", "view",
        "where", "write", "xpu", "zero_grad", "zip",
    }
)  # fmt: skip


def canonical(name: str) -> str:
    """The documented name of a torch object: `torch.nn.modules.linear.Linear` is `torch.nn.Linear`.

    Names that are canonical already, or not torch's, come back unchanged.
    """
    if not name.startswith("torch."):
        return name
    found = _EXACT.get(name)
    if found is not None:
        return found
    if name.startswith("torch.nn.modules."):
        return _of_modules(name)
    if name.startswith("torch.optim."):
        parts = name.split(".")
        if len(parts) == 4 and parts[2] != "lr_scheduler" and parts[3][:1].isupper():
            return f"torch.optim.{parts[3]}"
        return name
    for prefix, short in _PREFIXES:
        if name.startswith(prefix):
            return short + name[len(prefix) :]
    return name


def _of_modules(name: str) -> str:
    rest = name.removeprefix("torch.nn.modules.").split(".")
    if rest[-1] in _TUPLES:
        return f"torch.nn.modules.utils.{rest[-1]}"
    if rest[0] == "utils":
        return name
    if len(rest) > 1 and rest[1] == "F":
        return ".".join(["torch.nn.functional", *rest[2:]])
    if rest[0][:1].isupper():
        return ".".join(["torch.nn", *rest])
    if len(rest) > 1 and rest[1][:1].isupper():
        return ".".join(["torch.nn", *rest[1:]])
    return name


def tensor_only(methods: Iterable[str]) -> frozenset[str]:
    """Those method names that settle their receiver: no other type that model code handles has them."""
    builtin: set[str] = set()
    for kind in (int, float, complex, bool, str, bytes, list, tuple, dict, set):
        builtin.update(dir(kind))
    return frozenset(name for name in methods if name not in builtin and name not in _SHARED)
