"""The exceptions that scripts catch, and what messages have in common."""

INSTALL_GPU = "pip install 'vlnn[cuda13]' (or 'vlnn[cuda12]')"


class MatConvNetError(ValueError):
    """Bad input to a ``vl_*`` function, or to a layer or function of ``vlnn.toolbox``.

    The message begins with MatConvNet's own sentence, on which scripts match, and ends with what was received. Of the
    toolbox no sentences are documented: there it begins with the name of the property and its rule.
    """


class ConversionError(ValueError):
    """A network that cannot be converted, or a file from which none can be made."""
