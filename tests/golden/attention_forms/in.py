import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class Decoder(nn.Module):
    """nn.MultiheadAttention and nn.TransformerEncoderLayer as people call them, and masks of both kinds."""

    def __init__(self, d=8, heads=2, dropout=0.1):
        super().__init__()
        self.self_attn = nn.MultiheadAttention(d, heads, dropout=dropout)
        self.cross_attn = nn.MultiheadAttention(d, heads, batch_first=True)
        self.layer = nn.TransformerEncoderLayer(d, heads, dim_feedforward=2 * d, dropout=dropout, batch_first=True)
        self.query = nn.Linear(d, d)

    @staticmethod
    def generate_square_subsequent_mask(sz):
        mask = (torch.triu(torch.ones(sz, sz)) == 1).transpose(0, 1)
        return mask.float().masked_fill(mask == 0, float("-inf")).masked_fill(mask == 1, float(0.0))

    def forward(self, x, memory):
        t = x.size(1)
        y = x.transpose(0, 1)
        y, weights = self.self_attn(y, y, y, attn_mask=self.generate_square_subsequent_mask(t).to(y))
        x = x + y.transpose(0, 1)
        x = x + self.cross_attn(x, memory, memory, need_weights=False)[0]
        x = self.layer(x)
        q, k = self.query(x), memory
        sdpa = F.scaled_dot_product_attention(q, k, memory)
        scores = torch.baddbmm(torch.zeros(q.size(0), t, k.size(1)), q, k.transpose(1, 2), alpha=1 / math.sqrt(q.size(-1)))
        return x, weights, sdpa, scores
