"""Mixture of experts: a gate sends each token to a few of many small networks."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Expert(nn.Module):
    def __init__(self, d_model, d_hidden, dropout=0.0):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(d_model, d_hidden),
            nn.GELU(),
            nn.Linear(d_hidden, d_model),
            nn.Dropout(dropout),
        )

    def forward(self, x):
        return self.net(x)


class NoisyTopKGate(nn.Module):
    """Scores of the experts; while training, learned noise makes the choice explore.

    Returns gates (tokens, experts), zero outside the top k, the chosen indices (tokens, k) and the
    probabilities of all experts.
    """

    def __init__(self, d_model, num_experts, top_k, noise=1.0):
        super().__init__()
        self.top_k = top_k
        self.noise = noise
        self.score = nn.Linear(d_model, num_experts, bias=False)
        self.noise_scale = nn.Linear(d_model, num_experts, bias=False)

    def forward(self, x):
        logits = self.score(x)
        if self.training and self.noise > 0:
            std = F.softplus(self.noise_scale(x))
            logits = logits + self.noise * std * torch.randn_like(logits)

        top_k_logits, indices = logits.topk(self.top_k, dim=-1)
        blank = torch.full_like(logits, float("-inf"))
        sparse_logits = blank.scatter(-1, indices, top_k_logits)
        return F.softmax(sparse_logits, dim=-1), indices, F.softmax(logits, dim=-1)


def load_balancing_loss(probs, indices, num_experts):
    """num_experts * sum(share of the tokens * mean probability): smallest, 1, when all are used alike."""
    one_hot = F.one_hot(indices, num_experts).to(probs.dtype)  # tokens, k, experts
    share = one_hot.sum(dim=1).mean(dim=0) / indices.shape[1]
    return num_experts * torch.sum(share * probs.mean(dim=0))


class MoE(nn.Module):
    """Every expert sees every token and the gates do the rest: simple, static shapes.

    x (B, T, d_model) -> the same shape, and the auxiliary loss.
    """

    def __init__(self, d_model=16, d_hidden=32, num_experts=4, top_k=2, noise=1.0, dropout=0.1, aux_weight=0.01):
        super().__init__()
        self.num_experts = num_experts
        self.aux_weight = aux_weight
        self.gate = NoisyTopKGate(d_model, num_experts, top_k, noise)
        self.experts = nn.ModuleList([Expert(d_model, d_hidden, dropout) for _ in range(num_experts)])

    def forward(self, x):
        B, T, C = x.shape
        flat = x.reshape(-1, C)
        gates, indices, probs = self.gate(flat)

        outputs = torch.stack([expert(flat) for expert in self.experts], dim=1)  # tokens, experts, C
        y = torch.einsum("ne,nec->nc", gates, outputs)

        aux_loss = self.aux_weight * load_balancing_loss(probs, indices, self.num_experts)
        return y.view(B, T, C), aux_loss


class SparseMoE(MoE):
    """The same result, but each expert computes its own tokens only (shapes depend on the data)."""

    def forward(self, x):
        flat = x.view(-1, x.size(-1))
        gates, indices, probs = self.gate(flat)
        final_output = torch.zeros_like(flat)

        for i, expert in enumerate(self.experts):
            # tokens that have expert i among their choices
            selected = (indices == i).any(dim=-1)
            if selected.any():
                expert_output = expert(flat[selected])
                final_output[selected] += expert_output * gates[selected, i].unsqueeze(1)

        aux_loss = self.aux_weight * load_balancing_loss(probs, indices, self.num_experts)
        return final_output.view_as(x), aux_loss


class MoEClassifier(nn.Module):
    """Two residual MoE layers over a sequence; the auxiliary losses add up."""

    def __init__(self, vocab_size=30, num_classes=5, d_model=16, depth=2, sparse=False, **moe_kwargs):
        super().__init__()
        moe_cls = SparseMoE if sparse else MoE
        self.embed = nn.Embedding(vocab_size, d_model)
        self.norms = nn.ModuleList([nn.LayerNorm(d_model) for _ in range(depth)])
        self.layers = nn.ModuleList([moe_cls(d_model, 2 * d_model, **moe_kwargs) for _ in range(depth)])
        self.head = nn.Linear(d_model, num_classes)

    def forward(self, tokens):
        x = self.embed(tokens)
        total_aux = x.new_zeros(())
        for norm, moe in zip(self.norms, self.layers):
            out, aux = moe(norm(x))
            x = x + out
            total_aux = total_aux + aux
        return self.head(x.mean(dim=1)), total_aux
