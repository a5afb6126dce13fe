"""Adds up JUnit reports: `test_totals.py FOLDER` prints a line per report and the sum.

Also counts the lines of FOLDER/broken, each a part that could not run. The exit code is 1 when
anything failed or when nothing ran.
"""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def count(report):
    """(passed, failed, skipped) of one report, counted from its cases."""
    passed = failed = skipped = 0
    for case in ElementTree.parse(report).iter("testcase"):
        outcomes = {child.tag for child in case}
        if outcomes & {"failure", "error"} or case.get("status") == "fail":
            failed += 1
        elif "skipped" in outcomes or case.get("status") in ("disabled", "notrun"):
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def main():
    folder = pathlib.Path(sys.argv[1])
    passed = failed = 0
    for report in sorted(folder.glob("*.xml")):
        good, bad, skipped = count(report)
        print(f"{report.stem:12} {good} passed, {bad} failed, {skipped} skipped (count as failed)")
        passed, failed = passed + good, failed + bad + skipped
    broken = folder / "broken"
    for line in broken.read_text().splitlines() if broken.exists() else []:
        print(line)
        failed += 1
    (folder / "totals").write_text(f"{passed} {failed}\n")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
