"""Graph attention network (Velickovic et al., 2018): dense masks instead of sparse message passing."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class AttentionHead(nn.Module):
    """Average the neighbours of each node, weighted by learned scores."""

    def __init__(self, in_dim, out_dim, dropout, slope=0.2, activate=True):
        super(AttentionHead, self).__init__()
        self.out_dim = out_dim
        self.dropout = dropout
        self.activate = activate  # ELU on hidden layers, nothing on the last one

        self.W = nn.Parameter(torch.empty(size=(in_dim, out_dim)))
        self.a = nn.Parameter(torch.empty(size=(2 * out_dim, 1)))
        for p in (self.W, self.a):
            nn.init.xavier_uniform_(p.data, gain=1.414)
        self.leakyrelu = nn.LeakyReLU(slope)

    def scores(self, h):
        # a^T [h_i, h_j] is the sum of two inner products: no (N, N, 2 * out_dim) tensor is needed
        source = torch.matmul(h, self.a[:self.out_dim, :])
        target = torch.matmul(h, self.a[self.out_dim:, :])
        return self.leakyrelu(source + target.T)

    def forward(self, x, adj):
        h = torch.mm(x, self.W)  # (N, out_dim)
        e = self.scores(h)
        e = torch.where(adj > 0, e, -9e15 * torch.ones_like(e))
        weights = F.dropout(F.softmax(e, dim=1), self.dropout, training=self.training)
        out = torch.matmul(weights, h)
        return F.elu(out) if self.activate else out

    def __repr__(self):
        return self.__class__.__name__ + '(' + str(self.W.shape[0]) + ' -> ' + str(self.out_dim) + ')'


class GAT(nn.Module):
    """Several heads side by side, then one that predicts. Returns log probabilities (N, nclass)."""

    def __init__(self, nfeat, nhid=8, nclass=7, dropout=0.6, slope=0.2, nheads=4):
        super(GAT, self).__init__()
        self.dropout = dropout

        # a plain list does not register its modules, hence add_module
        self.heads = [AttentionHead(nfeat, nhid, dropout, slope) for _ in range(nheads)]
        for i, head in enumerate(self.heads):
            self.add_module('head_{}'.format(i), head)
        self.last = AttentionHead(nhid * nheads, nclass, dropout, slope, activate=False)

    def forward(self, x, adj):
        x = F.dropout(x, self.dropout, training=self.training)
        x = torch.cat([head(x, adj) for head in self.heads], dim=1)
        x = F.dropout(x, self.dropout, training=self.training)
        x = F.elu(self.last(x, adj))
        return F.log_softmax(x, dim=1)


class BatchedGAT(nn.Module):
    """All heads in one tensor, for a batch of graphs: x (B, N, F), adj (B, N, N) boolean."""

    def __init__(self, nfeat, nhid=8, nheads=3, slope=0.2):
        super().__init__()
        self.nheads, self.nhid = nheads, nhid
        self.proj = nn.Linear(nfeat, nheads * nhid, bias=False)
        self.att_src = nn.Parameter(torch.Tensor(1, 1, nheads, nhid))
        self.att_dst = nn.Parameter(torch.Tensor(1, 1, nheads, nhid))
        self.bias = nn.Parameter(torch.zeros(nheads * nhid))
        self.slope = slope
        self.reset_parameters()

    def reset_parameters(self):
        gain = nn.init.calculate_gain('leaky_relu', self.slope)
        nn.init.xavier_normal_(self.proj.weight, gain=gain)
        nn.init.xavier_normal_(self.att_src)
        nn.init.xavier_normal_(self.att_dst)

    def forward(self, x, adj):
        B, N, _ = x.size()
        h = self.proj(x).view(B, N, self.nheads, self.nhid)
        src = (h * self.att_src).sum(-1).permute(0, 2, 1)  # B, heads, N
        dst = (h * self.att_dst).sum(-1).permute(0, 2, 1)
        scores = F.leaky_relu(src.unsqueeze(-1) + dst.unsqueeze(-2), self.slope)
        # every node sees itself
        mask = ~(adj | torch.eye(N, dtype=torch.bool, device=adj.device)).unsqueeze(1)
        scores.masked_fill_(mask, float('-inf'))
        weights = scores.softmax(dim=-1)
        out = torch.einsum('bhij,bjhf->bihf', weights, h).reshape(B, N, -1)
        return F.elu(out + self.bias), weights
