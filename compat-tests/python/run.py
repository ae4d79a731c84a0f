"""Runs all suites of this folder and leaves `PASSED FAILED` in the file that is named.

Each test counts as one, and so does each of its subtests that fails.
"""

import sys
import unittest
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here))
suite = unittest.defaultTestLoader.discover(str(here), top_level_dir=str(here))
result = unittest.TextTestRunner(verbosity=2).run(suite)
bad_tests = {getattr(test, "test_case", test) for test, _ in result.failures + result.errors}
failed = len(result.failures) + len(result.errors)
passed = result.testsRun - len(result.skipped) - len(bad_tests)
if len(sys.argv) > 1:
    Path(sys.argv[1]).write_text(f"{max(passed, 0)} {failed}\n")
sys.exit(0 if result.wasSuccessful() else 1)
