"""Clients' own test suites against one broker, which this starts, and a line for what each says.

    run.py SUITE [TEST PATTERN]

COMPAT_BROKER says which broker, as in all suites. Packages come from their registries by their ordinary clients and are
kept in .cache/suites; docs/client-suites.md says what is changed in them and what is known to fail on both brokers.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

here = Path(__file__).resolve().parent
root = here.parent.parent
cache = root / ".cache" / "suites"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def run(*command: object, **options) -> None:
    subprocess.run([str(part) for part in command], check=True, **options)


def stop(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_for_port(port: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise SystemExit(f"nothing listens on port {port}")


@contextlib.contextmanager
def broker(port: int, **keys: str):
    """A broker on 127.0.0.1:port with empty data; its output is in .cache/suites/broker-PORT.log."""
    data = tempfile.mkdtemp(prefix="suite-")
    command = [str(here.parent / "start-broker"), str(port), f"{data}/log"]
    command += [f"{key.replace('_', '.')}={value}" for key, value in keys.items()]
    with open(cache / f"broker-{os.environ.get('COMPAT_BROKER', 'sluice')}.log", "w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_for_port(port, process)
            yield
        finally:
            stop(process)
            shutil.rmtree(data)


def replace(file: Path, old: str, new: str) -> None:
    """Untouched where it is done already, so that nothing is built anew."""
    text = file.read_text()
    if old in text:
        file.write_text(text.replace(old, new))


def node_zero(port: int) -> dict[str, str]:
    """What gives the broker node id 0, which many tests take for granted."""
    keys = {"node_id": "0", "advertised_listeners": f"PLAINTEXT://127.0.0.1:{port}"}
    if os.environ.get("COMPAT_BROKER") == "kafka":
        controller = free_port()
        keys["controller_quorum_voters"] = f"0@127.0.0.1:{controller}"
        keys["listeners"] = f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}"
    return keys


def source_distribution(name: str, version: str) -> Path:
    """The unpacked source distribution of a Python package."""
    folder = cache / f"{name.replace('-', '_')}-{version}"
    if not folder.exists():
        run(sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", name, "-d", cache, f"{name}=={version}")
        shutil.unpack_archive(f"{folder}.tar.gz", cache)
    return folder


def virtual_environment(name: str, *packages: str) -> Path:
    """The Python of an environment that holds these packages."""
    folder = cache / f"venv-{name}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        run(sys.executable, "-m", "venv", folder)
        run(python, "-m", "pip", "install", "-q", *packages)
        (folder / "complete").touch()
    return python


def sarama(pattern: str) -> int:
    """Its functional tests, which expect five brokers behind toxiproxy: here all five addresses lead to one."""
    version = "v1.61.1"
    folder = cache / f"sarama-{version}"
    server = cache / "bin" / "server"
    if not server.exists():
        run("go", "install", "github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0", env=os.environ | {"GOBIN": str(server.parent)})
    if not folder.exists():
        module = subprocess.check_output(["go", "mod", "download", "-json", f"github.com/IBM/sarama@{version}"], text=True)
        shutil.copytree(json.loads(module)["Dir"], folder, copy_function=shutil.copyfile)
        run("chmod", "-R", "u+w", folder)
    # Only what the functional files hold: the rest of the package tests sarama by itself.
    names = [name for test in folder.glob("functional*_test.go") for name in re.findall(r"^func (Test[A-Z]\w*)\(t ", test.read_text(), re.M)]
    # The addresses are fixed in its source.
    first = int(os.environ.get("SARAMA_FIRST_PORT", "29091"))
    work = Path(tempfile.mkdtemp(prefix="sarama-"))
    shutil.copytree(folder, work, dirs_exist_ok=True)
    for test in work.glob("functional*_test.go"):
        text = test.read_text().replace("29090+", f"{first - 1}+")
        for factor in (2, 3):
            text = text.replace(f"ReplicationFactor: {factor}", "ReplicationFactor: 1")
            text = text.replace(f"ReplicationFactor:  {factor}", "ReplicationFactor: 1")
        test.write_text(text)
    port, control = free_port(), free_port()
    proxies = [
        {"name": f"kafka{i + 1}", "listen": f"127.0.0.1:{first + i}", "upstream": f"127.0.0.1:{port}", "enabled": True}
        for i in range(5)
    ]
    (work / "proxies.json").write_text(json.dumps(proxies))
    with broker(port, advertised_listeners=f"PLAINTEXT://127.0.0.1:{first}", auto_create_topics_enable="false"):
        toxiproxy = subprocess.Popen([server, "-port", str(control), "-config", work / "proxies.json"], stdout=subprocess.DEVNULL)
        try:
            wait_for_port(control, toxiproxy)
            return subprocess.call(
                ["go", "test", "-tags=functional", "-count=1", "-v", "-timeout=20m", f"-run={pattern or '^(' + '|'.join(names) + ')$'}", "."],
                cwd=work,
                env=os.environ | {"TOXIPROXY_ADDR": f"http://127.0.0.1:{control}", "KAFKA_VERSION": "4.3.1"},
            )
        finally:
            stop(toxiproxy)
            shutil.rmtree(work)


RUNNING_SERVICE = """
class ExternalService:
    def __init__(self, host, port):
        self.host, self.port = host, port

    def open(self):
        pass


SpawnedService = None
"""


def kafka_python(pattern: str) -> int:
    folder = source_distribution("kafka-python", "3.0.12")
    python = virtual_environment(
        "kafka-python", "kafka-python==3.0.12", "pytest", "pytest-timeout", "pytest-mock", "mock", "lz4", "python-snappy", "zstandard", "crc32c", "py"
    )
    # Two files are left out of the distribution. Without the first, the standard library's own package `test` is found;
    # the second starts Kafka, or takes a running one for what it is.
    (folder / "test" / "__init__.py").touch()
    (folder / "test" / "service.py").write_text(RUNNING_SERVICE)
    # The folder of the Kafka that it would start has to be there.
    (folder / "servers" / "4.3.1" / "kafka-bin").mkdir(parents=True, exist_ok=True)
    port = free_port()
    with broker(port, num_partitions="4", **node_zero(port)):
        return subprocess.call(
            [python, "-m", "pytest", "-v", "--timeout=120", "-p", "no:cacheprovider", "--tb=native", "test/integration", "-k", pattern or "test"],
            cwd=folder,
            env=os.environ | {"KAFKA_URI": f"kafka://127.0.0.1:{port}", "KAFKA_VERSION": "4.3.1"},
        )


def rdkafka(pattern: str) -> int:
    """The tests of the Rust binding, over the librdkafka of its package. They expect node id 0 and three partitions."""
    version = "0.39.0"
    folder = cache / f"rdkafka-{version}"
    if not folder.exists():
        # Cargo fetches a package for one that depends on it.
        fetch = Path(tempfile.mkdtemp(prefix="cargo-"))
        (fetch / "src").mkdir()
        (fetch / "src" / "lib.rs").touch()
        (fetch / "Cargo.toml").write_text(f'[package]\nname = "fetch"\nversion = "0.0.0"\n[dependencies]\nrdkafka = "={version}"\n')
        run("cargo", "vendor", "-q", fetch / "vendor", cwd=fetch, stdout=subprocess.DEVNULL)
        shutil.copytree(fetch / "vendor" / "rdkafka", folder)
        (folder / ".cargo-checksum.json").unlink()
        shutil.rmtree(fetch)
    # Two of them have Kafka's usual port in them.
    replace(folder / "tests" / "test_high_producers.rs", '"bootstrap.servers", "localhost"', '"bootstrap.servers", &get_bootstrap_server()')
    replace(folder / "tests" / "test_metadata.rs", ".port(), 9092)", ".port().to_string(), get_bootstrap_server().rsplit(':').next().unwrap())")
    environment = os.environ | {"CARGO_TARGET_DIR": str(cache / "rdkafka-target")}
    run("cargo", "test", "-q", "--no-run", "--tests", cwd=folder, env=environment)
    port = free_port()
    with broker(port, num_partitions="3", **node_zero(port)):
        return subprocess.call(
            ["cargo", "test", "--tests", "--no-fail-fast", "--", "--test-threads=2", pattern],
            cwd=folder,
            env=environment | {"KAFKA_HOST": f"127.0.0.1:{port}"},
        )


suites = {"sarama": sarama, "kafka-python": kafka_python, "rdkafka": rdkafka}
cache.mkdir(parents=True, exist_ok=True)
sys.exit(suites[sys.argv[1]](sys.argv[2] if len(sys.argv) > 2 else ""))
