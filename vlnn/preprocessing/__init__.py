"""Pictures brought into the form that a network wants."""

from vlnn.preprocessing.normalization import Normalization, preprocess

__all__ = ["Normalization", "preprocess"]
