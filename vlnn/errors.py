"""The exception that scripts catch."""


class MatConvNetError(ValueError):
    """Bad input to a ``vl_*`` function.

    The message begins with MatConvNet's own sentence, on which scripts match, and ends with what was received.
    """
