"""The exception that scripts catch."""


class MatConvNetError(ValueError):
    """Bad input to a ``vl_*`` function, or to a layer or function of ``vlnn.toolbox``.

    The message begins with MatConvNet's own sentence, on which scripts match, and ends with what was received. Of the
    toolbox no sentences are documented: there it begins with the name of the property and its rule.
    """
