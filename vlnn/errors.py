"""The exceptions that scripts catch, and what messages have in common."""

INSTALL_GPU = "pip install 'vlnn[cuda13]' (or 'vlnn[cuda12]')"


class MatConvNetError(ValueError):
    """Bad input to a ``vl_*`` function.

    The message begins with MatConvNet's own sentence, on which scripts match, and ends with what was received.
    """


class ConversionError(ValueError):
    """A network that cannot be converted, or a file from which none can be made."""
