"""vlnn: MatConvNet for Python.

The house, from the door down::

    vl_nnconvt, vl_nnconv ...   the blocks, called as in MATLAB            vlnn.blocks
    settings, clear_mex         what outlives a call                       vlnn.settings
    matlab                      arguments, arrays                          vlnn.matlab
    (inside)                    who does the arithmetic                    vlnn.engines
    (inside)                    sizes, strides, crops                      vlnn.geometry
"""

from vlnn.blocks.nnbilinearsampler import vl_nnbilinearsampler
from vlnn.blocks.nnconv import vl_nnconv
from vlnn.blocks.nnconvt import vl_nnconvt
from vlnn.blocks.nnroipool import vl_nnroipool
from vlnn.errors import MatConvNetError
from vlnn.settings import clear_mex, settings

__version__ = "0.1.0"

__all__ = [
    "MatConvNetError",
    "clear_mex",
    "settings",
    "vl_nnbilinearsampler",
    "vl_nnconv",
    "vl_nnconvt",
    "vl_nnroipool",
]
