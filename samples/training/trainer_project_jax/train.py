"""Train the digit model: everything that a run needs is put together here and handed to a Trainer."""

import random

import numpy as np
import torch

import model.loss as module_loss
import model.metric as module_metric
import model.model as module_arch
import optax
from data_loader import make_loaders
from flax import nnx
from torch2jax_helpers import StepSchedule, scale_by_amsgrad
from trainer import Trainer
from utils import prepare_device

# fix random seeds for reproducibility
SEED = 123
torch.manual_seed(SEED)
rngs = nnx.Rngs(SEED)
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


def main(config, *, rngs: nnx.Rngs):
    # setup data_loader instances
    data_loader, valid_data_loader = make_loaders(config["batch_size"])

    # build model architecture, then print to console
    model = module_arch.MnistModel(num_classes=10, rngs=rngs)
    print("Trainable parameters: {}".format(model.num_parameters()))

    # prepare for (multi-device) GPU training
    device = prepare_device(config["n_gpu"])

    # get function handles of loss and metrics
    criterion = module_loss.nll_loss
    metrics = [module_metric.accuracy, module_metric.top_k_acc]
    # build optimizer, learning rate scheduler
    optimizer = nnx.Optimizer(
        model,
        optax.inject_hyperparams(
            lambda learning_rate: optax.chain(
                optax.add_decayed_weights(config["optimizer"]["weight_decay"]),
                (
                    scale_by_amsgrad if config["optimizer"]["amsgrad"] else optax.scale_by_adam
                )(b1=0.9, b2=0.999, eps=1e-8),
                optax.scale_by_learning_rate(learning_rate),
            )
        )(learning_rate=config["optimizer"]["lr"]),
        wrt=nnx.Param,
    )
    lr_scheduler = StepSchedule(
        optimizer,
        step_size=config["lr_scheduler"]["step_size"],
        gamma=config["lr_scheduler"]["gamma"],
    )

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
    main(CONFIG, rngs=rngs)
