"""``python -m tests.conformance``: run the tests of all rows and write ``docs/conformance.md`` (``make conformance``).

Exits 1 when one fails: its row says so then.
"""

from __future__ import annotations

import sys

import pytest

from tests.conformance.page import PAGE, ROOT, rendered, wanted_tests


class Outcomes:
    """A plugin of pytest that notes how tests end."""

    def __init__(self, wanted: list[str]) -> None:
        self._wanted = wanted
        self.passed: set[str] = set()
        self.failed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test's case belongs to all rows that name it, or its test as a whole."""
        of = {test for test in self._wanted if report.nodeid == test or report.nodeid.startswith(f"{test}[")}
        if report.failed or report.skipped:
            self.failed |= of
        elif report.when == "call":
            self.passed |= of


def main() -> int:
    """Run and write; returns the exit code."""
    wanted = wanted_tests()
    outcomes = Outcomes(wanted)
    pytest.main(["-q", "-n", "0", f"--rootdir={ROOT}", *wanted], plugins=[outcomes])
    failed = frozenset(outcomes.failed | (set(wanted) - outcomes.passed))
    PAGE.write_text(rendered(failed))
    print(f"{PAGE.relative_to(ROOT)}: {len(wanted) - len(failed)} of {len(wanted)} tests pass")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
