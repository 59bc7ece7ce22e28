"""Names that no rule translates, but the converter itself: each function uses those that its docstring lists.

`census_coverage.py` converts this program. A name counts as translated if the conversion reports no error in the
functions that list it.
"""

import torch
import torch.nn as nn
from einops import einsum, pack, rearrange, reduce, repeat, unpack
from torch.nn.attention import SDPBackend
from torch.utils.tensorboard import SummaryWriter


class Parts(nn.Module):
    """torch.nn.Module torch.nn.Parameter torch.nn.Sequential torch.nn.ModuleList"""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))
        self.layers = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
        self.others = nn.ModuleList([nn.Linear(4, 4) for _ in range(2)])

    def forward(self, x):
        x = self.layers(x * self.scale)
        for layer in self.others:
            x = layer(x)
        return x


class Begun(nn.Module):
    """torch.nn.Module.__init__"""

    def __init__(self):
        nn.Module.__init__(self)
        self.layer = nn.Linear(3, 4)

    def forward(self, x):
        return self.layer(x)


class Registered(nn.Module):
    """torch.nn.ModuleDict torch.nn.ParameterList Module.register_buffer Module.register_parameter Module.add_module"""

    def __init__(self):
        super().__init__()
        self.named = nn.ModuleDict({"a": nn.Linear(3, 3), "b": nn.Linear(3, 3)})
        self.weights = nn.ParameterList([nn.Parameter(torch.ones(3)) for _ in range(2)])
        self.register_buffer("mean", torch.zeros(3))
        self.register_parameter("gain", nn.Parameter(torch.ones(3)))
        self.add_module("last", nn.Linear(3, 4))

    def forward(self, x):
        x = self.named["a"](x) + self.named["b"](x) - self.mean
        for weight in self.weights:
            x = x * weight
        return self.last(x * self.gain)


class Derived(nn.Linear):
    """Module.forward"""

    def forward(self, x):
        return super().forward(x) + x


class DerivedByName(nn.Linear):
    """torch.nn.Linear.__init__"""

    def __init__(self, features: int):
        nn.Linear.__init__(self, features, features)


class Embedded(nn.Embedding):
    """torch.nn.Embedding.__init__"""

    def __init__(self, features: int):
        nn.Embedding.__init__(self, features, features)


class Convolved(nn.Conv2d):
    """torch.nn.Conv2d.__init__"""

    def __init__(self, features: int):
        nn.Conv2d.__init__(self, features, features, 3)


class Buffered(nn.Module):
    """torch.nn.Buffer"""

    def __init__(self, features: int):
        super().__init__()
        self.scale = nn.Buffer(torch.ones(features), persistent=False)

    def forward(self, x):
        return x * self.scale


class OfSeveral(nn.Module):
    """Tensor.values"""

    def forward(self, features):
        return sum(features.values())


class Square(torch.autograd.Function):
    """torch.autograd.Function"""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 2 * x * grad


def initialised(net: nn.Module):
    """Module.apply"""

    def init(module):
        if isinstance(module, nn.Linear):
            nn.init.ones_(module.weight)

    net.apply(init)


def modes(net: Parts, x: torch.Tensor):
    """Module.eval Module.train Module.to Module.cuda Module.cpu Module.requires_grad_"""
    net.to("cpu")
    net.cpu()
    net.cuda()
    net.requires_grad_(False)
    net.train()
    net.eval()
    return net(x)


def walks(net: Parts):
    """Module.modules Module.named_modules Module.children Module.named_children Module.parameters"""
    names = [name for name, _ in net.named_modules()] + [name for name, _ in net.named_children()]
    count = sum(p.numel() for p in net.parameters())
    return names, count, len(list(net.modules())), len(list(net.children()))


def named_walks(net: Parts):
    """Module.named_parameters Tensor.requires_grad"""
    return [name for name, p in net.named_parameters() if p.requires_grad]


def buffers(net: Registered):
    """Module.buffers"""
    return [b.shape for b in net.buffers()]


def named_buffers(net: Registered):
    """Module.named_buffers"""
    return [name for name, _ in net.named_buffers()]


def submodule(net: Parts):
    """Module.get_submodule"""
    return net.get_submodule("layers")


def double(net: Parts):
    """Module.double"""
    return net.double()


def single(net: Parts):
    """Module.float"""
    return net.float()


def half(net: Parts):
    """Module.half"""
    return net.half()


def brain(net: Parts):
    """Module.bfloat16"""
    return net.bfloat16()


def hooked(net: Parts):
    """Module.register_forward_hook"""
    net.register_forward_hook(lambda module, args, output: None)


def hooked_before(net: Parts):
    """Module.register_forward_pre_hook"""
    net.register_forward_pre_hook(lambda module, args: None)


def checkpoints(net: Parts, path: str):
    """torch.save torch.load Module.state_dict Module.load_state_dict"""
    torch.save(net.state_dict(), path)
    net.load_state_dict(torch.load(path))


def pretrained(net: Parts, url: str):
    """torch.utils.model_zoo.load_url torch.hub.load_state_dict_from_url"""
    net.load_state_dict(torch.utils.model_zoo.load_url(url))
    net.load_state_dict(torch.hub.load_state_dict_from_url(url, map_location="cpu"))


def quiet(net: Parts, x: torch.Tensor):
    """torch.no_grad torch.inference_mode torch.enable_grad torch.set_grad_enabled torch.autocast torch.amp.autocast"""
    with torch.no_grad():
        y = net(x)
    with torch.inference_mode():
        y = y + net(x)
    with torch.set_grad_enabled(False):
        y = y + net(x)
    with torch.enable_grad():
        z = net(x)
    with torch.autocast("cuda"), torch.amp.autocast("cuda"):
        z = z + net(x)
    return y, z


def mixed(net: Parts, x: torch.Tensor):
    """
    torch.cuda.amp.autocast torch.cuda.device torch.autograd.profiler.record_function torch.profiler.record_function
    """
    with torch.profiler.record_function("all"):
        x = net(x)
    with torch.cuda.amp.autocast(), torch.cuda.device(0), torch.autograd.profiler.record_function("net"):
        return net(x)


def settings():
    """
    torch.backends.cudnn.benchmark torch.backends.cudnn.deterministic torch.backends.cudnn.enabled
    torch.backends.cudnn.allow_tf32 torch.backends.cuda.matmul.allow_tf32
    torch._inductor.config.coordinate_descent_tuning torch._inductor.config.triton.unique_kernel_names
    torch._inductor.config.fx_graph_cache torch._dynamo.config.suppress_errors
    torch._dynamo.config.automatic_dynamic_shapes torch._dynamo.config.cache_size_limit
    torch._dynamo.config.recompile_limit
    """
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.enabled = True
    torch.backends.cudnn.allow_tf32 = True
    torch.backends.cuda.matmul.allow_tf32 = True
    torch._inductor.config.coordinate_descent_tuning = True
    torch._inductor.config.triton.unique_kernel_names = True
    torch._inductor.config.fx_graph_cache = True
    torch._dynamo.config.suppress_errors = True
    torch._dynamo.config.automatic_dynamic_shapes = True
    torch._dynamo.config.cache_size_limit = 8
    torch._dynamo.config.recompile_limit = 8


def seeds():
    """torch.manual_seed torch.random.manual_seed"""
    torch.manual_seed(0)
    torch.random.manual_seed(0)
    return torch.rand(3)


def hints(x: torch.Tensor, dtype: torch.dtype, device: torch.device, size: torch.Size) -> torch.FloatTensor:
    """torch.Tensor torch.dtype torch.device torch.Size torch.FloatTensor"""
    return torch.zeros(size, dtype=dtype, device=device) + x


def step(net: Parts, x: torch.Tensor, y: torch.Tensor):
    """Optimizer.step Optimizer.zero_grad torch.nn.utils.clip_grad_norm_ Tensor.backward LRScheduler.step"""
    net = Parts()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 10)
    for _ in range(3):
        optimizer.zero_grad()
        loss = ((net(x) - y) ** 2).mean()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        scheduler.step()


def other_step(x: torch.Tensor, y: torch.Tensor):
    """torch.nn.utils.clip_grad_norm Module.zero_grad LRScheduler.get_last_lr"""
    net = Parts()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 10)
    for _ in range(3):
        net.zero_grad()
        loss = ((net(x) - y) ** 2).mean()
        loss.backward()
        nn.utils.clip_grad_norm(net.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        print(scheduler.get_last_lr())


def clipped_values(x: torch.Tensor, y: torch.Tensor):
    """torch.nn.utils.clip_grad_value_"""
    net = Parts()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        loss = ((net(x) - y) ** 2).mean()
        loss.backward()
        nn.utils.clip_grad_value_(net.parameters(), 1.0)
        optimizer.step()


def scaled_step(x: torch.Tensor, y: torch.Tensor):
    """torch.cuda.amp.GradScaler torch.cuda.amp.grad_scaler.GradScaler torch.amp.GradScaler"""
    net = Parts()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    scaler = torch.cuda.amp.GradScaler()
    for _ in range(3):
        optimizer.zero_grad()
        loss = ((net(x) - y) ** 2).mean()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()


def resumed(x: torch.Tensor, path: str):
    """Optimizer.state_dict Optimizer.load_state_dict LRScheduler.state_dict LRScheduler.load_state_dict"""
    net = Parts()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 10)
    torch.save({"optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}, path)
    saved = torch.load(path)
    optimizer.load_state_dict(saved["optimizer"])
    scheduler.load_state_dict(saved["scheduler"])


def gradients(x: torch.Tensor):
    """torch.autograd.grad"""
    x.requires_grad_(True)
    y = (x**2).sum()
    return torch.autograd.grad(y, x)[0]


def input_gradient(net: Parts, x: torch.Tensor):
    """Tensor.grad Tensor.backward"""
    x.requires_grad_(True)
    loss = (net(x) ** 2).sum()
    loss.backward()
    return x.grad


def rearranged(x: torch.Tensor):
    """einops.rearrange einops.repeat einops.reduce einops.einsum einops.pack einops.unpack"""
    x = rearrange(x, "b h w -> b w h")
    x = repeat(x, "b w h -> b w h c", c=3)
    x = reduce(x, "b w h c -> b w c", "mean")
    packed, shapes = pack([x, x], "b * c")
    return einsum(unpack(packed, shapes, "b * c")[0], x, "b w c, b v c -> b w v")


class Decorated(nn.Module):
    """torch.jit.ignore torch.jit.unused torch.jit.export"""

    @torch.jit.ignore
    def no_decay(self):
        return {"scale"}

    @torch.jit.unused
    def idle(self):
        return 0

    @torch.jit.export
    def shown(self):
        return 1

    def forward(self, x):
        return x


class Cube(torch.autograd.Function):
    """torch.cuda.amp.custom_fwd torch.cuda.amp.custom_bwd"""

    @staticmethod
    @torch.cuda.amp.custom_fwd
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    @torch.cuda.amp.custom_bwd
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 3 * x**2 * grad


class Named(nn.Module):
    """torch.nn.ParameterDict"""

    def __init__(self):
        super().__init__()
        self.weights = nn.ParameterDict({"a": nn.Parameter(torch.ones(3))})

    def forward(self, x):
        return x * self.weights["a"]


def attending(x: torch.Tensor):
    """
    torch.nn.attention.sdpa_kernel torch.backends.cuda.sdp_kernel torch.nn.attention.SDPBackend.MATH
    torch.nn.attention.SDPBackend.FLASH_ATTENTION torch.nn.attention.SDPBackend.EFFICIENT_ATTENTION
    torch.nn.attention.SDPBackend.CUDNN_ATTENTION
    """
    with torch.nn.attention.sdpa_kernel([SDPBackend.MATH, SDPBackend.FLASH_ATTENTION]):
        x = nn.functional.scaled_dot_product_attention(x, x, x)
    with torch.nn.attention.sdpa_kernel([SDPBackend.EFFICIENT_ATTENTION, SDPBackend.CUDNN_ATTENTION]):
        x = nn.functional.scaled_dot_product_attention(x, x, x)
    with torch.backends.cuda.sdp_kernel(enable_flash=False):
        return nn.functional.scaled_dot_product_attention(x, x, x)


def distribution(x: torch.Tensor):
    """Distribution.log_prob Distribution.sample Distribution.rsample Distribution.entropy Distribution.icdf"""
    normal = torch.distributions.Normal(x, torch.ones_like(x))
    return normal.log_prob(normal.sample()), normal.rsample(), normal.entropy(), normal.icdf(x)


def written(x: torch.Tensor):
    """torch.utils.tensorboard.SummaryWriter"""
    writer = SummaryWriter("runs")
    writer.add_scalar("loss", x.mean().item(), 0)


def hooked_after(net: Parts):
    """Module.register_full_backward_hook Module.register_backward_hook"""
    net.register_full_backward_hook(lambda module, before, after: None)
    net.register_backward_hook(lambda module, before, after: None)


def emptied(net: Parts):
    """Module.to_empty"""
    return net.to_empty(device="cpu")


def shared(net: Parts):
    """Module.share_memory"""
    return net.share_memory()


def compiled(net: Parts):
    """Module.compile"""
    net.compile()


def grown(net: Parts, other: Parts):
    """Optimizer.add_param_group"""
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    optimizer.add_param_group({"params": other.parameters()})
    return optimizer


def spread(net: Parts, x: torch.Tensor, y: torch.Tensor):
    """torch.nn.DataParallel torch.nn.parallel.DistributedDataParallel torch.distributed.is_initialized"""
    net = torch.nn.DataParallel(net)
    if torch.distributed.is_initialized():
        net = torch.nn.parallel.DistributedDataParallel(net)
    return net(x)


def at_once(net: Parts, x: torch.Tensor):
    """torch.nn.parallel.data_parallel"""
    return torch.nn.parallel.data_parallel(net, x, range(2))


def launched():
    """torch.distributed.init_process_group torch.distributed.barrier torch.distributed.destroy_process_group"""
    torch.distributed.init_process_group("nccl")
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


def exchanged(x: torch.Tensor):
    """torch.distributed.all_reduce torch.distributed.reduce torch.distributed.broadcast"""
    torch.distributed.all_reduce(x)
    torch.distributed.reduce(x, 0)
    torch.distributed.broadcast(x, src=0)
    return x


def forked():
    """torch.random.fork_rng"""
    with torch.random.fork_rng():
        return torch.rand(3)


class Halving(torch.optim.lr_scheduler.LRScheduler):
    """LRScheduler.get_lr torch.optim.lr_scheduler.LRScheduler"""

    def get_lr(self):
        return [rate / 2 for rate in self.base_lrs]


def version():
    """torch.__version__.split torch.__version__.startswith"""
    return torch.__version__.split("."), torch.__version__.startswith("2")
