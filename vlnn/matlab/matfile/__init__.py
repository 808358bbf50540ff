"""MAT-files: ``loadmat`` reads those of every version, ``savemat`` writes versions 5 and 7.3."""

from vlnn.matlab.matfile.limits import MatFileError
from vlnn.matlab.matfile.loading import loadmat
from vlnn.matlab.matfile.saving import savemat

__all__ = ["MatFileError", "loadmat", "savemat"]
