"""The tests that docs/compatibility.md leads to are there."""

import re

import pytest

from support.celeriac import ROOT

NONE = "\N{EN DASH}"
PAGE = ROOT / "docs/compatibility.md"
# [`name of a test or suite`](../its/file)
LINK = re.compile(r"\[`(\w+)`\]\(\.\./(\S+?\.(?:py|cpp))\)")


def rows():
    lines = PAGE.read_text().splitlines()
    return [line for line in lines if line.startswith("| ") and " --- " not in line]


@pytest.mark.parametrize(("name", "path"), sorted(set(LINK.findall(PAGE.read_text()))))
def test_a_named_test_is_where_the_row_says(name, path):
    source = (ROOT / path).read_text()
    assert re.search(rf"def {name}\(|TEST(_F|_P)?\({name},", source), f"{path} has no {name}"


def test_every_row_compares_and_leads_to_a_test_or_says_that_there_is_none():
    for row in rows():
        *compared, shown = row.strip("| ").split(" | ")
        assert [bool(cell) for cell in compared] == [True] * 4, row
        assert "](../tests/" in shown or shown in (NONE, "Shown by"), row


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\]\(\.\./([^)]+)\)", PAGE.read_text()))))
def test_a_link_leads_somewhere(path):
    assert (ROOT / path).exists()
