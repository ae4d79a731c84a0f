"""Runs all suites of this folder, prints a line for each test, and leaves `PASSED FAILED` in the file that is named.

A test with tests inside is counted by those alone; a package that fails without one counts as one failure.
"""

import json
import subprocess
import sys
from pathlib import Path

here = Path(__file__).resolve().parent
# One package after the other: each starts a broker, and there are few cores.
command = ["go", "test", "-count=1", "-p=1", "-timeout=10m", "-json", "./..."]
tests = subprocess.Popen(command, cwd=here, stdout=subprocess.PIPE, text=True)
results: dict[tuple[str, str], str] = {}
output: dict[tuple[str, str], list[str]] = {}
broken = 0
for line in tests.stdout:
    event = json.loads(line) if line.startswith("{") else {"Action": "output", "Output": line}
    key = (event.get("Package", ""), event.get("Test", ""))
    action = event["Action"]
    if action in ("output", "build-output"):
        output.setdefault(key, []).append(event["Output"])
    elif action in ("pass", "fail", "skip") and key[1]:
        results[key] = action
        print(f"{event['Elapsed']:8.1f} s  {action}  {key[0].rsplit('/', 1)[-1]} {key[1]}")
    elif action == "fail" and not any(r == "fail" and k[0] == key[0] for k, r in results.items()):
        broken += 1
        print(f"{key[0]} failed:\n" + "".join(output.get(key, [])) + "".join(output.get(("", ""), [])))
    if action == "fail" and key[1]:
        print("".join(output.get(key, [])))
tests.wait()
leaves = {k: r for k, r in results.items() if not any(o[0] == k[0] and o[1].startswith(k[1] + "/") for o in results)}
passed = sum(result == "pass" for result in leaves.values())
failed = sum(result == "fail" for result in leaves.values()) + broken
if len(sys.argv) > 1:
    Path(sys.argv[1]).write_text(f"{passed} {failed}\n")
sys.exit(0 if tests.returncode == 0 else 1)
