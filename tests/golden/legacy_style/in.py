from __future__ import print_function, division

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.autograd import Variable


class Net(nn.Module):
    def __init__(self, nin=5, nhid=8, cuda=False):
        super(Net, self).__init__()
        self.use_cuda = cuda and torch.cuda.is_available()
        self.i2h = nn.Linear(nin + nhid, nhid)
        self.i2o = nn.Linear(nin + nhid, nin)
        self.start = nn.Parameter(torch.FloatTensor(1, nhid).zero_())
        self.nhid = nhid
        self.i2h.weight.data.uniform_(-0.1, 0.1)
        self.i2h.bias.data = torch.zeros(nhid)
        if self.use_cuda:
            self.cuda()

    def init_hidden(self, bsz):
        h = Variable(torch.zeros(bsz, self.nhid))
        if self.use_cuda:
            h = h.cuda()
        return h + self.start.expand(bsz, self.nhid)

    def forward(self, xs):
        h = self.init_hidden(xs.size()[1])
        outs = []
        for t in range(xs.size(0)):
            both = torch.cat((xs[t], h), 1)
            h = F.tanh(self.i2h(both))
            outs.append(F.sigmoid(self.i2o(both)).unsqueeze(0))
        out = torch.cat(outs, 0)
        return out, Variable(h.data)
