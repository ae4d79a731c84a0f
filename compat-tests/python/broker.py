"""The broker under test as a child process; COMPAT_BROKER says which (see ../start-broker)."""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

COMPAT_TESTS = Path(__file__).resolve().parent.parent
START_LIMIT_S = 60
STOP_LIMIT_S = 60


def data_root() -> Path:
    """Where all suites leave their data directories for the dump-log check."""
    return Path(os.environ.get("COMPAT_DATA") or COMPAT_TESTS / "java" / "target" / "data").resolve()


def is_kafka() -> bool:
    return os.environ.get("COMPAT_BROKER", "sluice") == "kafka"


class Broker:
    """A broker on a free loopback port, with a data directory that survives its stops and stays behind."""

    def __init__(self, name: str, *config: str) -> None:
        self.config = config
        self.data = data_root() / name
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(parents=True)
        self.log = self.data.with_name(name + ".out")
        self.log.unlink(missing_ok=True)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.process: subprocess.Popen | None = None
        atexit.register(self._abandon)
        self.start()

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts the broker, again perhaps, and returns when it takes connections."""
        with self.log.open("ab") as log:
            command = [COMPAT_TESTS / "start-broker", str(self.port), str(self.data), *self.config]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_LIMIT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"the broker did not start:\n{self.log.read_text()[-3000:]}") from None
            time.sleep(0.01)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """SIGTERM; fails when the process does not end as a clean stop does."""
        self.process.terminate()
        code = self.process.wait(STOP_LIMIT_S)
        # A JVM that SIGTERM ends says so whatever its shutdown did.
        if code != (128 + signal.SIGTERM if is_kafka() else 0):
            raise AssertionError(f"SIGTERM ended the broker with {code}:\n{self.log.read_text()[-3000:]}")

    def _abandon(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()
