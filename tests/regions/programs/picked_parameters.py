"""Groups of parameters that are picked by their names, their number of axes, and the layers they are of."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(50, 8), nn.Linear(8, 8)])
        self.norm = nn.LayerNorm(8)
        self.scale = nn.Parameter(torch.ones(8, 1))
        self.head = nn.Sequential(nn.Dropout(0.0), nn.Linear(8, 3))

    def forward(self, x):
        x = x.flatten(1)
        for layer in self.layers:
            x = F.relu(layer(x))
        return self.head(self.norm(x) * self.scale.squeeze(1))

    def configure_optimizers(self, weight_decay):
        decay, no_decay = set(), set()
        whitelist = (nn.Linear,)
        for mn, m in self.named_modules():
            for pn, p in m.named_parameters():
                fpn = "%s.%s" % (mn, pn) if mn else pn
                if pn.endswith("bias"):
                    no_decay.add(fpn)
                elif pn.endswith("weight") and isinstance(m, whitelist):
                    decay.add(fpn)
                elif pn.endswith("weight") and isinstance(m, nn.LayerNorm):
                    no_decay.add(fpn)
        no_decay.add("scale")
        param_dict = {pn: p for pn, p in self.named_parameters()}
        assert len(decay & no_decay) == 0
        assert len(param_dict.keys() - (decay | no_decay)) == 0
        optim_groups = [
            {"params": [param_dict[pn] for pn in sorted(list(decay))], "weight_decay": weight_decay},
            {"params": [param_dict[pn] for pn in sorted(list(no_decay))], "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(optim_groups, lr=0.01)


def build():
    return Net(), Net(), Net()


def by_name(model, inputs, labels):
    no_decay = ["bias", "norm.weight", "layers.0"]
    grouped = [
        {"params": [p for n, p in model.named_parameters() if not any(nd in n for nd in no_decay)], "weight_decay": 0.1},
        {"params": [p for n, p in model.named_parameters() if any(nd in n for nd in no_decay)], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.SGD(grouped, lr=0.1)
    losses = []
    for epoch in range(3):
        for group in optimizer.param_groups:
            group["lr"] = 0.1 / (epoch + 1)
        for x, y in zip(inputs, labels):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses, optimizer.param_groups[1]["lr"]


def head_faster(model, inputs, labels):
    ignored = list(map(id, model.head.parameters()))
    base = filter(lambda p: id(p) not in ignored and p.ndim > 1, model.parameters())
    optimizer = torch.optim.SGD([{"params": base}, {"params": model.head.parameters(), "lr": 0.5}], lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    losses = []
    for x, y in zip(inputs, labels):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    return losses, scheduler.get_last_lr()


def by_layer(model: Net, inputs, labels):
    optimizer = model.configure_optimizers(0.2)
    losses = []
    for x, y in zip(inputs, labels):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.3)
        optimizer.step()
        losses.append(loss.item())
    return losses


def train(first, second, third, inputs, labels):
    return [by_name(first, inputs, labels), head_faster(second, inputs, labels), by_layer(third, inputs, labels)]
