"""Training: cnn_train, cnn_train_dag, and the solvers of MatConvNet's examples.

::

    train_simplenn.py, train_dagnn.py   the two functions: what they do with their kind of network
    trainer.py                          what they have in common
    options.py                          their options
    update.py, solver.py                how weights are learned
    batches.py                          parts of batches, and fetching them ahead
    error_functions.py                  what is counted beside the objective
    checkpoints.py                      the files from which training goes on
    plots.py, diagnostics.py            figures
    progress.py, interruption.py        what is printed, and Ctrl-C
    surroundings.py                     random numbers, a GPU, a profile
    workers.py, server.py, nccl.py      several processes
    getbatch.py                         functions that give a trainer the images of a batch
    models, initialisation.py           the examples' networks, and what they start from
    deploy.py                           a trained network without what only training needs
"""

from vlnn.training.deploy import cnn_imagenet_deploy
from vlnn.training.getbatch import getBatchFn, getDagNNBatch, getImageBatch, getSimpleNNBatch
from vlnn.training.initialisation import bilinear_u
from vlnn.training.models import (
    cnn_cifar_init,
    cnn_cifar_init_nin,
    cnn_imagenet_init,
    cnn_imagenet_init_inception,
    cnn_imagenet_init_resnet,
    cnn_mnist_init,
)

__all__ = [
    "bilinear_u",
    "cnn_cifar_init",
    "cnn_cifar_init_nin",
    "cnn_imagenet_deploy",
    "cnn_imagenet_init",
    "cnn_imagenet_init_inception",
    "cnn_imagenet_init_resnet",
    "cnn_mnist_init",
    "getBatchFn",
    "getDagNNBatch",
    "getImageBatch",
    "getSimpleNNBatch",
]
