"""Training networks as MatConvNet's examples do: first values, batches of images, and deployment."""

from vlnn.training.batches import getBatchFn, getDagNNBatch, getImageBatch, getSimpleNNBatch
from vlnn.training.deploy import cnn_imagenet_deploy
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
