"""The network that a command is given."""

from __future__ import annotations

from typing import NamedTuple

from vlnn.cli.files import given_file
from vlnn.dagnn import DagNN
from vlnn.networks import locate_network
from vlnn.simplenn import SimpleNN


class Given(NamedTuple):
    """A network, and where it was found."""

    net: SimpleNN | DagNN
    file: str  # as the user called it
    place: str  # in it, as MATLAB would write it


def read_network(name: str, variable: str | None = None) -> Given:
    """The network in a file, or in stdin for -."""
    with given_file(name) as path:
        place, net = locate_network(path, variable)
    return Given(net, "stdin" if name == "-" else name, place or "the top of the file")
