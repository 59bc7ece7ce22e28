"""A graph convolutional network on one graph of two communities, trained on the whole graph at once."""

import math

import jax
import jax.numpy as jnp
import optax
from flax import nnx

rngs = nnx.Rngs(42)
nodes, features, hidden, classes = 40, 12, 8, 2


class GraphConvolution(nnx.Module):
    """Simple GCN layer, similar to https://arxiv.org/abs/1609.02907"""

    def __init__(self, in_features, out_features, bias=True, *, rngs: nnx.Rngs):
        self.in_features = in_features
        self.out_features = out_features
        self.weight = nnx.Param(jnp.empty((in_features, out_features)))
        if bias:
            self.bias = nnx.Param(jnp.empty((out_features,)))
        else:
            self.bias = None
        self.reset_parameters(rngs=rngs)

    def reset_parameters(self, *, rngs: nnx.Rngs):
        stdv = 1.0 / math.sqrt(self.weight[...].shape[1])
        self.weight[...] = rngs.uniform(self.weight.shape, dtype=self.weight.dtype, minval=-stdv, maxval=stdv)
        if self.bias is not None:
            self.bias[...] = rngs.uniform(self.bias.shape, dtype=self.bias.dtype, minval=-stdv, maxval=stdv)

    def __call__(self, input, adj):
        support = input @ self.weight[...]
        output = adj @ support
        if self.bias is not None:
            return output + self.bias[...]
        else:
            return output


class GCN(nnx.Module):
    def __init__(self, nfeat, nhid, nclass, dropout, *, rngs: nnx.Rngs):
        self.rngs = rngs.fork()
        self.deterministic = False
        self.gc1 = GraphConvolution(nfeat, nhid, rngs=rngs)
        self.gc2 = GraphConvolution(nhid, nclass, rngs=rngs)
        self.dropout = dropout

    def __call__(self, x, adj):
        x = nnx.relu(self.gc1(x, adj))
        x = nnx.Dropout(self.dropout)(x, deterministic=self.deterministic, rngs=self.rngs)
        x = self.gc2(x, adj)
        return nnx.log_softmax(x, axis=1)


def make_graph(*, rngs: nnx.Rngs):
    """Edges are likely inside a community and rare between the two."""
    labels = (jnp.arange(nodes) >= nodes // 2).astype(jnp.int32)
    same = (labels[:, None] == labels[None, :]).astype(jnp.float32)
    edges = (rngs.uniform((nodes, nodes)) < 0.05 + 0.25 * same).astype(jnp.float32)
    adj = jnp.triu(edges, k=1)
    adj = adj + adj.T + jnp.eye(nodes)
    degree = adj.sum(axis=1) ** -0.5
    adj = degree[:, None] * adj * degree[None, :]
    x = rngs.normal((nodes, features)) + 0.5 * labels[:, None]
    return x, adj, labels


def accuracy(output, labels):
    preds = max_with_indices(output, axis=1)[1].astype(labels.dtype)
    correct = (preds == labels).astype(jnp.float64)
    correct = correct.sum()
    return correct / len(labels)


# Helpers without a Flax equivalent.


def max_with_indices(x: jax.Array, axis: int, keepdims: bool = False) -> tuple[jax.Array, jax.Array]:
    """Maximum along `axis` and where it is; of equal values the first one gets the whole gradient."""
    indices = jnp.argmax(x, axis, keepdims=True)
    values = jnp.take_along_axis(x, indices, axis)
    return (values, indices) if keepdims else (values.squeeze(axis), indices.squeeze(axis))


def reduce_loss(loss: jax.Array, reduction: str = "mean") -> jax.Array:
    """Mean or sum of the elementwise losses, or (for "none") the losses themselves."""
    if reduction == "none":
        return loss
    return loss.sum() if reduction == "sum" else loss.mean()


def nll_loss(
    log_probs: jax.Array,
    labels: jax.Array,
    weight: jax.Array | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> jax.Array:
    """Negative log likelihood of integer labels; the mean is weighted by the weights of the classes that count.

    Log probabilities have shape (classes,) or (batch, classes, ...), labels the same without the classes.
    """
    axis = min(log_probs.ndim - 1, 1)
    kept = labels != ignore_index
    classes = jnp.where(kept, labels, 0)
    loss = -jnp.take_along_axis(log_probs, jnp.expand_dims(classes, axis), axis).squeeze(axis)
    scale = jnp.where(kept, jnp.ones_like(loss) if weight is None else weight[classes], 0)
    loss = jnp.where(kept, loss * scale, 0)
    return loss.sum() / scale.sum() if reduction == "mean" else reduce_loss(loss, reduction)


x, adj, labels = make_graph(rngs=rngs)
order = rngs.permutation(nodes)
idx_train, idx_val, idx_test = order[:16], order[16:28], order[28:]

model = GCN(nfeat=x.shape[1], nhid=hidden, nclass=int(labels.max().item()) + 1, dropout=0.5, rngs=rngs)
optimizer = nnx.Optimizer(model, optax.chain(optax.add_decayed_weights(5e-4), optax.adam(0.01)), wrt=nnx.Param)


@nnx.jit(graph=False)
def train_step(model, optimizer, x, adj, idx_train, labels):
    graphdef, params, rest = nnx.split(model, nnx.Param, ...)

    def loss_fn(params, rest):
        model = nnx.merge(graphdef, params, rest)
        output = model(x, adj)
        loss_train = nll_loss(output[idx_train], labels[idx_train])
        return loss_train, output

    (loss_train, output), grads = nnx.value_and_grad(loss_fn, has_aux=True)(params, rest)
    optimizer.update(model, grads)
    return loss_train, output


def train(epoch):
    model.train()
    loss_train, output = train_step(model, optimizer, x, adj, idx_train, labels)
    acc_train = accuracy(output[idx_train], labels[idx_train])

    # evaluate validation set performance separately, deactivates dropout during validation run
    model.eval()
    output = model(x, adj)
    loss_val = nll_loss(output[idx_val], labels[idx_val])
    acc_val = accuracy(output[idx_val], labels[idx_val])
    if epoch % 10 == 0:
        print(
            "Epoch: {:04d}".format(epoch + 1),
            "loss_train: {:.4f}".format(loss_train.item()),
            "acc_train: {:.4f}".format(acc_train.item()),
            "loss_val: {:.4f}".format(loss_val.item()),
            "acc_val: {:.4f}".format(acc_val.item()),
        )


def test():
    model.eval()
    output = model(x, adj)
    loss_test = nll_loss(output[idx_test], labels[idx_test])
    acc_test = accuracy(output[idx_test], labels[idx_test])
    print("Test set results:", "loss= {:.4f}".format(loss_test.item()), "accuracy= {:.4f}".format(acc_test.item()))


for epoch in range(60):
    train(epoch)
print("Optimization Finished!")
test()
