"""Writes through views: the base changes with them."""
import torch


def first_column(x):
    y = x[:, 0]
    y.add_(1)
    return x


def through_reshape(x):
    flat = x.view(-1)
    flat[::2] = 0
    row = x[1]
    row *= 2
    return x, flat.sum()


def two_names(x):
    y = x
    y[0] = 5.0
    z = x.clone()
    z[1] = -1.0
    return x + z


def transposed(x):
    t = x.t()
    t[0, :] += 10
    a, b = x.chunk(2, dim=0)
    a.mul_(b)
    x.unsqueeze(0)[0, -1].zero_()
    return x


def write_after_read(x):
    before = x[0]
    after = before + 0
    x[0, 0] = 100.0
    # `before` is a view and sees the write, `after` does not
    return before, after, x


def select_column(x, i):
    part = x.select(1, i).narrow(0, 0, 2)
    part.fill_(7.0)
    torch.relu_(x)
    return x
