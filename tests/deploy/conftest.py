"""The tools that read the examples in deploy/, and nginx as its example sets it up, in front of a service of its own.

Only ports, the name and the certificate are put into the example.
"""

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from ctypes.util import find_library
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

PLACES = f"/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin:{Path(sys.executable).parent}"
DEPLOY = Path(__file__).parents[2] / "deploy"
UNIT = DEPLOY / "systemd" / "sent-graphql.service"
SITE = DEPLOY / "nginx" / "sent-graphql.conf"
NAME = "graphql.example.org"

PATIENCE = 60
"""Seconds that an expected event may take on a busy machine."""

SERVICE = {
    "SENT_HTTP__TRUSTED_PROXIES": "127.0.0.1",
    "SENT_LOCAL__BLOCK_SECONDS": "1",
    "SENT_METRICS__PORT": "0",
    "SENT_RATE_LIMIT__ENABLED": "true",
    "SENT_RATE_LIMIT__DEAR_BURST": "1",
    "SENT_RATE_LIMIT__DEAR_PER_SECOND": "0.0001",
}
HTTP_BLOCK = """
pid {home}/pid;
error_log {home}/error.log info;
daemon off;
worker_processes 1;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    gzip on;
    gzip_types *;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    include {home}/site.conf;
}}
"""
"""What stands around a site, with more compression than is good for it."""


class Ports(NamedTuple):
    """Where nginx listens."""

    https: int
    http: int


class Site(NamedTuple):
    """nginx in front of the service."""

    url: str
    plain_url: str
    behind: str
    """The service's own address."""
    metrics: str
    trust: ssl.SSLContext


def free_ports() -> Ports:
    """Two that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return Ports(one.getsockname()[1], other.getsockname()[1])


def put_in(text: str, old: str, new: str) -> str:
    """`text` with something of the machine's in place of the example's."""
    assert old in text, f"{old} is no longer in {SITE.name}"
    return text.replace(old, new)


@pytest.fixture(scope="session")
def tool() -> Callable[[str, str], str]:
    """Gives a program's path, or skips the test and names the package that has it."""

    def tool(name: str, package: str) -> str:
        found = shutil.which(name, path=PLACES)
        if found is None:
            pytest.skip(f"{name} is not installed ({package})")
        return found

    return tool


@pytest.fixture(scope="session")
def checked() -> Callable[..., str]:
    """Runs a program that must be content, and gives what it says."""

    def checked(*command: str | Path) -> str:
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout + run.stderr

    return checked


@pytest.fixture(scope="session")
def certificate(
    tmp_path_factory: pytest.TempPathFactory, tool: Callable[..., str], checked: Callable[..., str]
) -> tuple[Path, Path]:
    """Of localhost, with its key."""
    home = tmp_path_factory.mktemp("certificate")
    key, made = home / "key.pem", home / "certificate.pem"
    checked(
        *(tool("openssl", "Debian: apt install openssl"), "req", "-x509", "-nodes", "-days", "2"),
        *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
        *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
        *("-keyout", key, "-out", made),
    )
    return made, key


@pytest.fixture(scope="session")
def nginx(
    tmp_path_factory: pytest.TempPathFactory,
    tool: Callable[..., str],
    checked: Callable[..., str],
    certificate: tuple[Path, Path],
) -> Any:
    """Runs nginx with the example in front of what answers on a port; gives where."""
    program = tool("nginx", "Debian: apt install nginx-light")

    @contextmanager
    def nginx(behind: int) -> Iterator[Ports]:
        ports, home = free_ports(), tmp_path_factory.mktemp("nginx")
        home.chmod(0o755)  # its workers are an account of their own
        site = put_in(SITE.read_text(), "127.0.0.1:5000;", f"127.0.0.1:{behind};")
        site = put_in(site, "    listen [::]:80;\n", "")
        site = put_in(site, "    listen [::]:443 ssl;\n", "")
        site = put_in(site, "listen 80;", f"listen 127.0.0.1:{ports.http};")
        site = put_in(site, "listen 443 ssl;", f"listen 127.0.0.1:{ports.https} ssl;")
        site = put_in(site, f"/etc/ssl/certs/{NAME}.pem", str(certificate[0]))
        site = put_in(site, f"/etc/ssl/private/{NAME}.key", str(certificate[1]))
        site = put_in(site, NAME, "localhost")
        (home / "site.conf").write_text(site)
        whole = home / "nginx.conf"
        whole.write_text(HTTP_BLOCK.format(home=home))
        assert "warn" not in checked(program, "-t", "-q", "-p", str(home), "-c", whole)
        with subprocess.Popen([program, "-p", str(home), "-c", str(whole)]) as process:
            try:
                until(lambda: listens(ports.https), process)
                yield ports
            finally:
                process.send_signal(signal.SIGTERM)

    return nginx


def listens(port: int) -> bool:
    """Whether somebody does."""
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def until(condition: Callable[[], object], process: "subprocess.Popen[Any]") -> None:
    """Waits for what another process does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, "it has ended"
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def confined() -> tuple[str, ...]:
    """What begins a command that is to have no more system calls than the unit leaves the service; may be nothing."""
    if shutil.which("systemd-analyze") is None or find_library("seccomp") is None:
        return ()
    return (sys.executable, str(Path(__file__).with_name("confined.py")), str(UNIT))


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, confined: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """The service with its own network, as README starts it; gives its port and that of its metrics."""
    home = tmp_path_factory.mktemp("service")
    command = [*confined, sys.executable, "-m", "sent_graphql", "serve", "--port", "0", "--nodes", "20"]
    with (home / "log").open("w") as log:
        environ = {**os.environ, **SERVICE, "SENT_DIRECTORY": str(home)}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environ)
    try:
        assert process.stdout
        announced = next((line for line in process.stdout if "http://" in line), None)
        assert announced, (home / "log").read_text()
        port = int(announced.split("http://127.0.0.1:")[1].split("/")[0])
        until(lambda: httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200, process)
        (metrics,) = re.findall(r"metrics are told.*\bport\W+(\d+)", (home / "log").read_text())
        yield port, int(metrics)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)


@pytest.fixture(scope="session")
def site(nginx: Any, service: tuple[int, int], certificate: tuple[Path, Path]) -> Iterator[Site]:
    """nginx in front of the service."""
    trust = ssl.create_default_context(cafile=str(certificate[0]))
    with nginx(service[0]) as ports:
        yield Site(
            url=f"https://localhost:{ports.https}",
            plain_url=f"http://localhost:{ports.http}",
            behind=f"http://127.0.0.1:{service[0]}",
            metrics=f"http://127.0.0.1:{service[1]}/metrics",
            trust=trust,
        )


@pytest.fixture
def site_without_service(nginx: Any) -> Iterator[str]:
    """nginx in front of nothing."""
    with nginx(free_ports().http) as ports:
        yield f"https://localhost:{ports.https}"


@pytest.fixture
async def client_from(site: Site) -> AsyncIterator[Callable[..., httpx.AsyncClient]]:
    """Makes clients of the site, or of the service behind it, who come from an address."""
    async with AsyncExitStack() as clients:

        def client_from(address: str = "127.0.0.1", url: str = site.url) -> httpx.AsyncClient:
            transport = httpx.AsyncHTTPTransport(verify=site.trust, local_address=address)
            client = httpx.AsyncClient(base_url=url, transport=transport, timeout=PATIENCE)
            clients.push_async_callback(client.aclose)
            return client

        yield client_from


@pytest.fixture
def client(client_from: Callable[..., httpx.AsyncClient]) -> httpx.AsyncClient:
    """One client of the site."""
    return client_from()
