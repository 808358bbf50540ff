"""vlnn convert: a network in another format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from vlnn.cli.files import given_file, new_path
from vlnn.cli.probes import probe_options, read_probe
from vlnn.cli.progress import Progress

FORMATS = ("mat", "npz", "safetensors", "pt", "onnx")


@click.command("convert")
@click.argument("source", metavar="SRC", type=click.Path(path_type=Path, allow_dash=True))
@click.argument("target", metavar="DST", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--from", "from_", type=click.Choice(FORMATS), help="The format of SRC, whatever its name.")
@click.option("--to", type=click.Choice(FORMATS), help="The format of DST, whatever its name.")
@click.option("--variable", metavar="NAME", help="Which network, where a .mat file has several: 'best.net', 'nets{3}'.")
@click.option("--like", type=click.Path(path_type=Path), metavar="NET", help="SRC has weights alone, for this network.")
@click.option(
    "--layout",
    type=click.Choice(["matlab", "torch", "reversed"]),
    help="How filters lie in such a SRC: FH FW C K, K C FH FW or K C FW FH.  [default: matlab in .npz, else torch]",
)
@click.option("--kind", type=click.Choice(["simplenn", "dagnn"]), help="Make it a network of this kind.")
@click.option("--drop-loss", is_flag=True, help="Leave out losses, and the softmax in a softmax loss.")
@click.option("--fold-bnorm", is_flag=True, help="Fold batch normalisation into the convolutions before it.")
@click.option("--with-preprocessing", is_flag=True, help="Let the network subtract the average from pictures itself.")
@click.option("--rgb", "colours", flag_value="rgb", help="Let the network take RGB; it takes BGR.")
@click.option("--bgr", "colours", flag_value="bgr", help="Let the network take BGR; it takes RGB.")
@click.option("--half", is_flag=True, help="Store weights in half precision; read back, they are single again.")
@click.option("--mat-version", type=click.Choice(["5", "7.3"]), help="Of a .mat file.  [default: 5]")
@probe_options
@click.option("--no-check", is_flag=True, help="Do not read and run what was written.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done and found out as JSON.")
@click.option("--force", is_flag=True, help="Overwrite DST.")
def convert_command(
    source: Path,
    target: Path,
    from_: str | None,
    to: str | None,
    variable: str | None,
    like: Path | None,
    layout: str | None,
    kind: str | None,
    drop_loss: bool,
    fold_bnorm: bool,
    with_preprocessing: bool,
    colours: str | None,
    half: bool,
    mat_version: str | None,
    input_file: Path | None,
    input_size: tuple[int, ...] | None,
    tolerance: float | None,
    no_check: bool,
    as_json: bool,
    force: bool,
) -> None:
    """Write the network in SRC in the format of DST, and prove that it is the same.

    The formats are .mat (MatConvNet), .npz (NumPy), .safetensors, .pt (PyTorch) and .onnx; - is stdin or stdout. All
    but foreign files hold the whole network, so that each becomes any other.

    What was written is read again and run beside SRC on random input, which is the same every time. If a variable that
    both compute differs by more than the tolerance, DST is not written and the exit status is 1.

    \b
    Examples:
      vlnn convert net.mat net.onnx
      vlnn convert net.mat net.pt --fold-bnorm --with-preprocessing
      vlnn convert trained.safetensors new.mat --like net.mat
    """
    from vlnn.convert import Changes, Check, formats, load, save

    form = formats.format_of(target, to)
    options: dict[str, Any] = {}
    if mat_version is not None:
        if "version" not in form.options:
            raise click.UsageError(f"--mat-version is for .mat files; DST is one of {form.name}.")
        options["version"] = mat_version
    if half and not form.half:
        raise click.UsageError(f"{form.name} has no half precision: leave out --half.")
    if layout is not None and like is None:
        raise click.UsageError("--layout is for weights alone, with --like.")
    changes = Changes(kind, drop_loss, fold_bnorm, with_preprocessing, colours)
    check = None if no_check else Check(read_probe(input_file), input_size, tolerance)
    with Progress(2, "Converting") as progress:
        with given_file(str(source)) as path:
            net = load(path, variable, load(like) if like else None, layout, from_)
        progress.step()
        with new_path(target, force) as path:
            saved = save(net, path, changes=changes, half=half, check=check, suffix=to or target.suffix, **options)
            size = path.stat().st_size
        progress.step()
    notes, proof = list(saved.notes), saved.proof
    if half:
        notes.append("Weights are stored in half precision, moments excepted; vlnn reads them as single.")
    if as_json:
        found = {"file": str(target), "format": form.name, "bytes": size, "notes": notes, "checked": proof is not None}
        text = json.dumps(found | (proof.figures() if proof else {}), indent=2)
    else:
        lines = [f"{target}: {form.name}, {size:,} bytes.", *notes, str(proof) if proof else "Not checked: --no-check."]
        text = "\n".join(lines)
    click.echo(text, err=str(target) == "-")
