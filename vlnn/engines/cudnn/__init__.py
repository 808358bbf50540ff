"""The engine for CuPy's arrays where NVIDIA's frontend to cuDNN is installed.

frontend    finding the frontend and the libraries that it needs
graphs      a convolution as cuDNN sees it: sizes and paddings, no array
plans       how cuDNN computes one: chosen once, by guess or by the clock, and run
sessions    the handle and the plans of one thread on one device
engine      the three primitives of convolution; all else is the CUDA engine's
"""
