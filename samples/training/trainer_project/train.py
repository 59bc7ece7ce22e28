"""Train the digit model: everything that a run needs is put together here and handed to a Trainer."""

import random

import numpy as np
import torch

import model.loss as module_loss
import model.metric as module_metric
import model.model as module_arch
from data_loader import make_loaders
from trainer import Trainer
from utils import prepare_device

# fix random seeds for reproducibility
SEED = 123
torch.manual_seed(SEED)
np.random.seed(SEED)
random.seed(SEED)

CONFIG = {
    "n_gpu": 1,
    "batch_size": 16,
    "optimizer": {"lr": 0.003, "weight_decay": 1e-4, "amsgrad": True},
    "lr_scheduler": {"step_size": 2, "gamma": 0.5},
    "trainer": {
        "epochs": 4,
        "save_dir": "saved",
        "save_period": 1,
        "monitor": "min val_loss",
        "early_stop": 3,
        "log_step": 5,
    },
}


def main(config):
    # setup data_loader instances
    data_loader, valid_data_loader = make_loaders(config["batch_size"])

    # build model architecture, then print to console
    model = module_arch.MnistModel(num_classes=10)
    print("Trainable parameters: {}".format(model.num_parameters()))

    # prepare for (multi-device) GPU training
    device = prepare_device(config["n_gpu"])
    model = model.to(device)

    # get function handles of loss and metrics
    criterion = module_loss.nll_loss
    metrics = [module_metric.accuracy, module_metric.top_k_acc]

    # build optimizer, learning rate scheduler
    trainable_params = filter(lambda p: p.requires_grad, model.parameters())
    optimizer = torch.optim.Adam(trainable_params, **config["optimizer"])
    lr_scheduler = torch.optim.lr_scheduler.StepLR(optimizer, **config["lr_scheduler"])

    trainer = Trainer(
        model,
        criterion,
        metrics,
        optimizer,
        config=config,
        device=device,
        data_loader=data_loader,
        valid_data_loader=valid_data_loader,
        lr_scheduler=lr_scheduler,
    )
    trainer.train()


if __name__ == "__main__":
    main(CONFIG)
