"""vlnn doctor: what works on this machine."""

from __future__ import annotations

import json
from itertools import groupby

import click

from vlnn.cli.tables import Column, table, terminal_width

COLUMNS = (Column(""), Column(""), Column(""), Column("", cut=True), Column("", cut=True))


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.pass_context
def doctor_command(ctx: click.Context, as_json: bool) -> None:
    """Say what works on this machine, and how to get the rest.

    Versions, cores, BLAS and a convolution that is checked; the packages that vlnn needs, and those for pictures and
    for other formats; driver, CuPy, cuDNN and GPUs. What is missing is optional. The exit status is 1 only if
    something that is there does not work.

    \b
    Examples:
      vlnn doctor
      vlnn doctor --json > report.json
    """
    from vlnn.doctor import examine

    findings = examine()
    if as_json:
        click.echo(json.dumps([finding._asdict() for finding in findings], indent=2))
    else:
        rows = []
        for group, members in groupby(findings, key=lambda finding: finding.group):
            for at, each in enumerate(members):
                rows.append(["" if at else group, each.name, each.state, each.text, each.remedy])
        click.echo(table(COLUMNS, rows, terminal_width()))
    if any(finding.state == "broken" for finding in findings):
        ctx.exit(1)
