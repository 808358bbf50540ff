"""DagNN, networks with any topology, and the blocks they are made of, spelled as in MATLAB: ``vlnn.dagnn.Conv``.

::

    network.py                          DagNN itself
    graph.py, records.py                layers, variables and parameters, and changing them
    layer.py, properties.py             what blocks have in common
    filters.py, normalisation.py,       the blocks
    pointwise.py, losses.py, spatial.py,
    published.py                        blocks of networks published for MatConvNet
    registry.py                         classes by their names, blocks of a file
    evaluation.py, prediction.py,       one file for each thing that DagNN does
    sizes.py, printing.py, loading.py,
    saving.py, from_simplenn.py
    folding.py                          a convolution and its batch normalisation as one
"""

from vlnn.dagnn.extents import ReceptiveField
from vlnn.dagnn.filters import Conv, ConvTranspose, Pooling
from vlnn.dagnn.layer import ElementWise, Filter, Layer
from vlnn.dagnn.losses import Loss, LossSmoothL1, PDist
from vlnn.dagnn.network import DagNN
from vlnn.dagnn.normalisation import LRN, BatchNorm, NormOffset, SpatialNorm
from vlnn.dagnn.pointwise import Concat, DropOut, ReLU, Scale, Sigmoid, SoftMax, Sum
from vlnn.dagnn.published import Axpy, Flatten, GlobalPooling, Permute, Reshape, Tanh
from vlnn.dagnn.registry import Unknown, register
from vlnn.dagnn.spatial import AffineGridGenerator, BilinearSampler, Crop, ROIPooling, UniformScalingGridGenerator

__all__ = [
    "LRN",
    "AffineGridGenerator",
    "Axpy",
    "BatchNorm",
    "BilinearSampler",
    "Concat",
    "Conv",
    "ConvTranspose",
    "Crop",
    "DagNN",
    "DropOut",
    "ElementWise",
    "Filter",
    "Flatten",
    "GlobalPooling",
    "Layer",
    "Loss",
    "LossSmoothL1",
    "NormOffset",
    "PDist",
    "Permute",
    "Pooling",
    "ROIPooling",
    "ReLU",
    "ReceptiveField",
    "Reshape",
    "Scale",
    "Sigmoid",
    "SoftMax",
    "SpatialNorm",
    "Sum",
    "Tanh",
    "UniformScalingGridGenerator",
    "Unknown",
    "register",
]
