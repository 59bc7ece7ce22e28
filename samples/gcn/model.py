"""Graph convolutional network (Kipf & Welling, 2017) in plain PyTorch, with a dense adjacency matrix."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.modules.module import Module
from torch.nn.parameter import Parameter


class GraphConv(Module):
    """Mix the features of neighbouring nodes: adj @ (x @ weight) + bias."""

    def __init__(self, in_features, out_features, bias=True):
        super(GraphConv, self).__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(torch.FloatTensor(in_features, out_features))
        if bias:
            self.bias = Parameter(torch.FloatTensor(out_features))
        else:
            self.register_parameter('bias', None)
        self.reset_parameters()

    def reset_parameters(self):
        bound = 1. / math.sqrt(self.weight.size(1))
        self.weight.data.uniform_(-bound, bound)
        if self.bias is not None:
            self.bias.data.uniform_(-bound, bound)

    def forward(self, x, adj):
        out = torch.mm(adj, torch.mm(x, self.weight))
        if self.bias is not None:
            out = out + self.bias
        return out

    def __repr__(self):
        return '%s(%d, %d)' % (self.__class__.__name__, self.in_features, self.out_features)


class GCN(nn.Module):
    """Two layers. Features (nodes, nfeat), adjacency (nodes, nodes) -> log probabilities (nodes, nclass)."""

    def __init__(self, nfeat, nhid=16, nclass=7, dropout=0.5):
        super(GCN, self).__init__()
        self.gc1 = GraphConv(nfeat, nhid)
        self.gc2 = GraphConv(nhid, nclass)
        self.dropout = dropout

    def forward(self, x, adj):
        x = F.relu(self.gc1(x, adj))
        x = F.dropout(x, self.dropout, training=self.training)
        x = self.gc2(x, adj)
        return F.log_softmax(x, dim=1)


class DeepGCN(nn.Module):
    """Any number of layers, with residual connections, and the adjacency normalised on the fly."""

    def __init__(self, nfeat, nhid=16, nclass=7, nlayers=3, dropout=0.5):
        super(DeepGCN, self).__init__()
        self.input = nn.Linear(nfeat, nhid)
        self.nlayers = nlayers
        for i in range(nlayers):
            self.add_module('conv_{}'.format(i), GraphConv(nhid, nhid, bias=False))
        self.output = nn.Linear(nhid, nclass)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, adj):
        adj = normalize(adj + torch.eye(adj.size(0), device=adj.device))
        x = self.input(x)
        for i in range(self.nlayers):
            conv = getattr(self, 'conv_{}'.format(i))
            x = x + self.dropout(torch.relu(conv(x, adj)))
        # one vector for the whole graph
        return self.output(x.mean(0, keepdim=True))


def normalize(adj):
    """D^-1/2 A D^-1/2; nodes without an edge keep zeros."""
    degree = adj.sum(1)
    inv_sqrt = degree.pow(-0.5)
    inv_sqrt[torch.isinf(inv_sqrt)] = 0.
    return inv_sqrt.unsqueeze(1) * adj * inv_sqrt.unsqueeze(0)
