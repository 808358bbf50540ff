"""vlnn: MatConvNet for Python.

The house, from the door down::

    cnn_train, cnn_train_dag    training, with solver.adam and others      vlnn.training
    cnn_mnist_init ...          networks to train, and their deployment    vlnn.training.models
    load_network                the network in a file                      vlnn.networks
    preprocess                  pictures as a network wants them           vlnn.preprocessing
    (for the command line)      a network in figures, applied to pictures  vlnn.summary, vlnn.inference
    simplenn, vl_simplenn ...   networks that are a chain of layers        vlnn.simplenn
    dagnn                       networks that are a graph of layers        vlnn.dagnn
    vl_nnconvt, vl_nnconv ...   the blocks, called as in MATLAB            vlnn.blocks
    transposedConv2dLayer ...   layers of the Deep Learning Toolbox        vlnn.toolbox
    settings, clear_mex         what outlives a call                       vlnn.settings
    loadmat, savemat            MAT-files of every version                 vlnn.matlab.matfile
    matlab                      arguments, arrays, values                  vlnn.matlab
    (inside)                    who does the arithmetic                    vlnn.engines
    (inside)                    sizes, strides, crops                      vlnn.geometry
"""

from vlnn import dagnn, simplenn, toolbox
from vlnn.blocks.imreadjpeg import vl_imreadjpeg
from vlnn.blocks.nnbilinearsampler import vl_nnbilinearsampler
from vlnn.blocks.nnbnorm import vl_nnbnorm
from vlnn.blocks.nnconcat import vl_nnconcat
from vlnn.blocks.nnconv import vl_nnconv
from vlnn.blocks.nnconvt import vl_nnconvt
from vlnn.blocks.nncrop import vl_nncrop
from vlnn.blocks.nndropout import vl_nndropout
from vlnn.blocks.nnloss import vl_nnloss
from vlnn.blocks.nnnoffset import vl_nnnoffset
from vlnn.blocks.nnnormalize import vl_nnnormalize
from vlnn.blocks.nnnormalizelp import vl_nnnormalizelp
from vlnn.blocks.nnpdist import vl_nnpdist
from vlnn.blocks.nnpool import vl_nnpool
from vlnn.blocks.nnrelu import vl_nnrelu
from vlnn.blocks.nnroipool import vl_nnroipool
from vlnn.blocks.nnsigmoid import vl_nnsigmoid
from vlnn.blocks.nnsoftmax import vl_nnsoftmax
from vlnn.blocks.nnsoftmaxloss import vl_nnsoftmaxloss
from vlnn.blocks.nnspnorm import vl_nnspnorm
from vlnn.blocks.nnsubp import vl_nnSubP
from vlnn.blocks.setup import vl_compilenn, vl_rootnn, vl_setupnn
from vlnn.blocks.taccum import vl_taccum, vl_taccummex
from vlnn.blocks.tshow import vl_imarraysc, vl_tshow
from vlnn.errors import MatConvNetError
from vlnn.matlab.argparse import vl_argparse
from vlnn.matlab.matfile import loadmat, savemat
from vlnn.networks import load_network
from vlnn.preprocessing import preprocess
from vlnn.settings import clear_mex, settings
from vlnn.simplenn.diagnose import vl_simplenn_diagnose
from vlnn.simplenn.display import vl_simplenn_display
from vlnn.simplenn.evaluation import vl_simplenn
from vlnn.simplenn.move import vl_simplenn_move
from vlnn.simplenn.parserv import vl_simplenn_start_parserv
from vlnn.simplenn.tidy import vl_simplenn_tidy
from vlnn.toolbox.dltranspconv import dltranspconv
from vlnn.toolbox.factors import getL2Factor, getLearnRateFactor, setL2Factor, setLearnRateFactor
from vlnn.toolbox.transposedconv import transposedConv1dLayer, transposedConv2dLayer, transposedConv3dLayer
from vlnn.training import solver
from vlnn.training.deploy import cnn_imagenet_deploy
from vlnn.training.models import (
    cnn_cifar_init,
    cnn_cifar_init_nin,
    cnn_imagenet_init,
    cnn_imagenet_init_inception,
    cnn_imagenet_init_resnet,
    cnn_mnist_init,
)
from vlnn.training.server import ParameterServer
from vlnn.training.train_dagnn import cnn_train_dag
from vlnn.training.train_simplenn import cnn_train

__version__ = "0.1.0"

__all__ = [
    "MatConvNetError",
    "ParameterServer",
    "clear_mex",
    "cnn_cifar_init",
    "cnn_cifar_init_nin",
    "cnn_imagenet_deploy",
    "cnn_imagenet_init",
    "cnn_imagenet_init_inception",
    "cnn_imagenet_init_resnet",
    "cnn_mnist_init",
    "cnn_train",
    "cnn_train_dag",
    "dagnn",
    "dltranspconv",
    "getL2Factor",
    "getLearnRateFactor",
    "load_network",
    "loadmat",
    "preprocess",
    "savemat",
    "setL2Factor",
    "setLearnRateFactor",
    "settings",
    "simplenn",
    "solver",
    "toolbox",
    "transposedConv1dLayer",
    "transposedConv2dLayer",
    "transposedConv3dLayer",
    "vl_argparse",
    "vl_compilenn",
    "vl_imarraysc",
    "vl_imreadjpeg",
    "vl_nnSubP",
    "vl_nnbilinearsampler",
    "vl_nnbnorm",
    "vl_nnconcat",
    "vl_nnconv",
    "vl_nnconvt",
    "vl_nncrop",
    "vl_nndropout",
    "vl_nnloss",
    "vl_nnnoffset",
    "vl_nnnormalize",
    "vl_nnnormalizelp",
    "vl_nnpdist",
    "vl_nnpool",
    "vl_nnrelu",
    "vl_nnroipool",
    "vl_nnsigmoid",
    "vl_nnsoftmax",
    "vl_nnsoftmaxloss",
    "vl_nnspnorm",
    "vl_rootnn",
    "vl_setupnn",
    "vl_simplenn",
    "vl_simplenn_diagnose",
    "vl_simplenn_display",
    "vl_simplenn_move",
    "vl_simplenn_start_parserv",
    "vl_simplenn_tidy",
    "vl_taccum",
    "vl_taccummex",
    "vl_tshow",
]
