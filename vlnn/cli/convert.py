"""vlnn convert: a network in another format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from vlnn.cli.files import given_file, new_path
from vlnn.cli.probes import probe_options, read_probe

FORMATS = ("mat", "npz", "safetensors", "pt", "onnx")


@click.command("convert")
@click.argument("source", metavar="SRC", type=click.Path(path_type=Path, allow_dash=True))
@click.argument("target", metavar="DST", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--from", "from_", type=click.Choice(FORMATS), help="The format of SRC, whatever its name.")
@click.option("--to", type=click.Choice(FORMATS), help="The format of DST, whatever its name.")
@click.option("--variable", metavar="NAME", help="Which network, where a .mat file has several: 'best.net', 'nets{3}'.")
@click.option(
    "--half", is_flag=True, help="Store weights in half precision (moments excepted); they are read as single."
)
@click.option("--mat-version", type=click.Choice(["5", "7.3"]), default="5", show_default=True, help="Of a .mat file.")
@probe_options
@click.option("--no-check", is_flag=True, help="Do not read and run what was written.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found out as JSON.")
@click.option("--force", is_flag=True, help="Overwrite DST.")
def convert_command(
    source: Path,
    target: Path,
    from_: str | None,
    to: str | None,
    variable: str | None,
    half: bool,
    mat_version: str,
    input_file: Path | None,
    input_size: tuple[int, ...] | None,
    tolerance: float | None,
    no_check: bool,
    as_json: bool,
    force: bool,
) -> None:
    """Write the network in SRC in the format of DST, and prove that it is the same.

    The formats are .mat (MatConvNet), .npz (NumPy), .safetensors, .pt (PyTorch) and .onnx; - is stdin or stdout. What
    was written is read again and run beside SRC on random input that is the same in every run; if a variable differs by
    more than the tolerance, DST is not written and the exit status is 1.
    """
    from vlnn.convert import conversion, formats
    from vlnn.convert.changes import Changed

    form = formats.format_of(target, to)
    options: dict[str, Any] = {"version": mat_version} if "version" in form.options else {}
    if half and not form.half:
        raise click.UsageError(f"{form.name} has no half precision: leave out --half.")
    with given_file(str(source)) as path:
        net = formats.read(path, from_, variable).network()
    check = None if no_check else conversion.Check(read_probe(input_file), input_size, tolerance)
    with new_path(target, force) as path:
        proof = conversion.write(net, Changed(net), path, form, check, half, **options)
        if proof is not None and proof.failure:
            raise click.ClickException(f"{proof} {target} was not written.")
        size = path.stat().st_size
    lines = [f"{target}: {form.name}, {size:,} bytes", str(proof) if proof else "Not checked: --no-check."]
    found = {"file": str(target), "format": form.name, "bytes": size, "checked": proof is not None}
    if proof is not None:
        found |= proof.figures()
    click.echo(json.dumps(found, indent=2) if as_json else "\n".join(lines), err=str(target) == "-")
