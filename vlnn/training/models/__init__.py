"""The networks of MatConvNet's examples, with first values: cnn_mnist_init, cnn_cifar_init, cnn_imagenet_init ...

What is drawn at random comes from a ``numpy.random.Generator``, the option rng: the distributions are MatConvNet's, the
numbers are not MATLAB's for the same seed.
"""

from vlnn.training.models.cifar import cnn_cifar_init, cnn_cifar_init_nin
from vlnn.training.models.imagenet import cnn_imagenet_init
from vlnn.training.models.inception import cnn_imagenet_init_inception
from vlnn.training.models.mnist import cnn_mnist_init
from vlnn.training.models.resnet import cnn_imagenet_init_resnet

__all__ = [
    "cnn_cifar_init",
    "cnn_cifar_init_nin",
    "cnn_imagenet_init",
    "cnn_imagenet_init_inception",
    "cnn_imagenet_init_resnet",
    "cnn_mnist_init",
]
