from .torch2jax_helpers import top_k


def accuracy(output, target):
    pred = output.argmax(axis=1)
    assert pred.shape[0] == len(target)
    correct = 0
    correct += (pred == target).sum().item()
    return correct / len(target)


def top_k_acc(output, target, k=3):
    pred = top_k(output, k, axis=1)[1]
    assert pred.shape[0] == len(target)
    correct = 0
    for i in range(k):
        correct += (pred[:, i] == target).sum().item()
    return correct / len(target)
