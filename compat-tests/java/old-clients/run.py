"""Old Java clients against one broker: the usual round of each, and what each writes read by every other.

Prints a line for each test and leaves `PASSED FAILED` in the file that is named. With it go record batches that were
converted to formats 0 and 1, read by the classes of the clients that wrote those (../message-fixtures).
"""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

here = Path(__file__).resolve().parent
sys.path.insert(0, str(here.parents[1] / "python"))
from broker import Broker  # noqa: E402

OLD_CODECS = ["none", "gzip", "snappy", "lz4"]
# Version, which of src/api-* it has, and the codecs that all may read.
CLIENTS = {"0.9.0.1": "0.9", "0.10.2.2": "0.10", "0.11.0.3": "0.11", "2.0.1": "0.11", "4.3.1": "4"}
NEWEST = "4.3.1"
WITH_ADMIN = {"0.11.0.3", "2.0.1"}
WITHOUT_TIMESTAMPS = {"0.9.0.1"}
TIME_LIMIT_S = 240

passed = failed = 0


def test(name: str, action: Callable[[], None]) -> None:
    global passed, failed
    start = time.monotonic()
    try:
        action()
        passed += 1
        verdict = "pass"
    except Exception as error:  # noqa: BLE001: one test's failure is not the others'
        failed += 1
        verdict = f"FAIL: {error}"
    print(f"{time.monotonic() - start:8.1f} s  {name}  {verdict}", flush=True)


def execute(command: list[str]) -> str:
    done = subprocess.run(command, cwd=here, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIME_LIMIT_S)
    if done.returncode != 0:
        raise AssertionError(f"exit code {done.returncode}: {(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def maven(pom: str, *arguments: str) -> str:
    return execute(["mvn", "-B", "-q", "--no-transfer-progress", "-f", pom, *arguments])


def program(client: str, *arguments: str) -> None:
    target = here / "target" / client
    execute(["java", "-Xmx256m", "-cp", f"{target}/classes:{target}/libs/*", "sluice.old.Program", *arguments])


def build(client: str) -> None:
    maven("pom.xml", f"-Dclients.version={client}", f"-Dapi={CLIENTS[client]}", "process-classes")


def read_converted(message_format: int, directory: str) -> None:
    """Fails unless the classes of the old client find in every file what its JSON says."""
    said = maven(
        "../message-fixtures/pom.xml", f"-Dformat={message_format}", "compile", "exec:java", f"-Dexec.args=check {directory}"
    )
    if not re.search(r"[1-9]\d* passed, 0 failed", said):
        raise AssertionError(said)


def clients_against(broker: Broker) -> None:
    def written_by(client: str) -> str:
        return f"written-by-{client}"

    for client in CLIENTS:
        test(f"{client} writes with every codec", lambda c=client: program(c, "write", broker.bootstrap, written_by(c), *OLD_CODECS))
    for writer in CLIENTS:
        times = "untimed" if writer in WITHOUT_TIMESTAMPS else "timed"
        for reader in CLIENTS:
            test(
                f"{reader} reads what {writer} wrote",
                lambda r=reader, w=writer, t=times: program(r, "read", broker.bootstrap, written_by(w), t, *OLD_CODECS),
            )
    for client in CLIENTS:
        if client == NEWEST:
            continue
        for step in ["acks", "group", "seek"]:
            test(f"{client} {step}", lambda c=client, s=step: program(c, s, broker.bootstrap, f"{s}-{c}"))
        if client in WITH_ADMIN:
            test(f"{client} admin", lambda c=client: program(c, "admin", broker.bootstrap, f"admin-{c}"))


def main() -> int:
    for client in CLIENTS:
        test(f"{client} builds", lambda c=client: build(c))
    with tempfile.TemporaryDirectory() as directory:
        execute([str(here.parents[2] / "node_modules/node/bin/node"), "../write-messages.ts", directory])
        for message_format in [0, 1]:
            test(f"converted messages are read as format {message_format}", lambda f=message_format: read_converted(f, directory))
    broker = Broker("old-clients", "num.partitions=6")
    clients_against(broker)
    test("a clean stop", broker.stop)
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(f"{passed} {failed}\n")
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 else 1


sys.exit(main())
