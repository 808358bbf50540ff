"""The network that a command is given."""

from __future__ import annotations

import re
from typing import NamedTuple

from vlnn.cli.files import given_file
from vlnn.convert.formats import FORMATS, read
from vlnn.dagnn import DagNN
from vlnn.errors import ConversionError
from vlnn.networks import locate_network
from vlnn.simplenn import SimpleNN


class Given(NamedTuple):
    """A network, and where it was found.

    Attributes
    ----------
    net : SimpleNN or DagNN
    file : str
        As the user called it.
    place : str
        In a MATLAB file, as MATLAB would write it; else the name of the format.
    """

    net: SimpleNN | DagNN
    file: str
    place: str


def read_network(name: str, variable: str | None = None) -> Given:
    """The network in a file of any format, or in stdin for -. A file of another suffix is taken for one of MATLAB's."""
    shown = "stdin" if name == "-" else name
    with given_file(name) as path:
        form = FORMATS.get(path.suffix.lower(), FORMATS[".mat"])
        if form is not FORMATS[".mat"]:
            checkpoint = read(path, None, variable)
            if not checkpoint.description:
                raise ConversionError(f"{shown} has weights alone and no description of a network.")
            return Given(checkpoint.network(), shown, form.name)
        try:
            place, net = locate_network(path, variable)
        except ValueError as error:
            told = re.sub(r"load_network\(path, ('.*')\)", r"--variable \1", str(error))
            error.args = (told.replace(str(path), shown),)
            raise
        return Given(net, shown, place or "the top of the file")
