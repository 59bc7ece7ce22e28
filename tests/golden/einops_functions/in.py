import torch
from einops import rearrange, reduce, repeat
from torch import einsum, nn


class Attention(nn.Module):
    def __init__(self, dim=8, heads=2, dim_head=4):
        super().__init__()
        self.heads = heads
        self.scale = dim_head**-0.5
        self.to_qkv = nn.Linear(dim, heads * dim_head * 3, bias=False)
        self.cls = nn.Parameter(torch.randn(1, 1, dim))
        self.to_out = nn.Linear(heads * dim_head, dim)

    def forward(self, img):
        x = rearrange(img, "b c h w -> b (h w) c")
        x = torch.cat((repeat(self.cls, "() n d -> b n d", b=x.shape[0]), x), dim=1)
        q, k, v = (rearrange(t, "b n (h d) -> b h n d", h=self.heads) for t in self.to_qkv(x).chunk(3, dim=-1))
        attn = (einsum("b h i d, b h j d -> b h i j", q, k) * self.scale).softmax(dim=-1)
        out = rearrange(einsum("bhij,bhjd->bhid", attn, v), "b h n d -> b n (h d)")
        blocks = rearrange(img, "b c (h p1) (w p2) -> (b h w) (p1 p2 c)", p1=2, p2=3)
        return self.to_out(out)[:, 0], reduce(img, "b c h w -> b c", "max"), blocks
