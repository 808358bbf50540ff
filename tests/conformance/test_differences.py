"""Every deliberate difference is explained, and met by some recorded call."""

from __future__ import annotations

import re

import pytest

from tests.conformance.vectors import DIFFERENCES, FOLDER, ROUGH, Difference, difference_of, every_case

TEXT = (FOLDER.parent / "differences.md").read_text(encoding="utf-8")
HEADINGS = re.findall(r"^### (.+)$", TEXT, re.MULTILINE)


@pytest.mark.parametrize(
    "heading", [difference.heading for difference in DIFFERENCES] + [rough.heading for rough in ROUGH]
)
def test_difference_is_explained(heading: str) -> None:
    assert heading in HEADINGS


@pytest.mark.parametrize("difference", [pytest.param(each, id=each.heading) for each in DIFFERENCES])
def test_difference_is_met(difference: Difference) -> None:
    assert [case for case in every_case() if difference_of(case) is difference]


def test_every_heading_has_a_text() -> None:
    sections = re.split(r"^#+ .+$", TEXT, flags=re.MULTILINE)[1:]
    titles = re.findall(r"^(#+) .+$", TEXT, re.MULTILINE)
    assert all(section.strip() for section, title in zip(sections, titles, strict=True) if title == "###")
    assert len(HEADINGS) == len(set(HEADINGS))
