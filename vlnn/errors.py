"""The exceptions that scripts catch."""


class MatConvNetError(ValueError):
    """Bad input to a ``vl_*`` function.

    The message begins with MatConvNet's own sentence, on which scripts match, and ends with what was received.
    """


class ConversionError(ValueError):
    """A network that cannot be converted, or a file from which none can be made."""
