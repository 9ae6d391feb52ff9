"""The page of conformance says what is tested: the tests that it counts exist, and every row has one or says
why not."""

from __future__ import annotations

import subprocess
import sys

from tests.conformance.page import PAGE, ROOT, Row, rendered, tables, verdict, wanted_tests


def test_the_page_is_what_the_rows_say() -> None:
    """That the tests pass, too, is what their own runs show."""
    assert PAGE.read_text() == rendered(), "run `make conformance`"


def test_every_row_is_tested_or_says_why_not() -> None:
    rows = [row for table in tables() for row in table.rows]
    assert len(rows) >= 12 + 15
    assert [row.what for row in rows if not row.tests and not row.not_met] == []


def test_every_test_that_is_named_exists() -> None:
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n", "0", *wanted_tests()]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, timeout=100)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    for test in wanted_tests():
        assert test in done.stdout, test


def test_a_row_stands_as_its_tests_ended() -> None:
    row = Row("what", "wanted", ("tests/a.py::test_b",))
    assert verdict(row, frozenset()) == "pass"
    assert verdict(row, frozenset(row.tests)) == "**fail**"
    assert verdict(Row("what", "wanted", row.tests, "some of it"), frozenset()) == "in part"
    assert verdict(Row("what", "wanted", (), "all of it"), frozenset()) == "**not met**"
