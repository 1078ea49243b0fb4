"""The examples in deploy/, as the tools that will read them see them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

from sent_graphql.cli import exits
from sent_graphql.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "systemd" / "sent-graphql.service"
DOCKERFILE = DEPLOY / "Dockerfile"
NGINX = DEPLOY / "nginx" / "sent-graphql.conf"

EXPOSURE = 2.0
"""What systemd-analyze calls OK, from 0 (safe) to 10."""


def tool(name: str, package: str) -> str:
    """The program, or the test is skipped with the reason."""
    found = shutil.which(name, path="/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: apt install {package})")
    return found


def checked(*command: str | Path) -> str:
    """What a program says that must be content."""
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout + run.stderr


def names_setting(variable: str) -> bool:
    """Whether a variable of the environment is read as a setting."""
    *sections, name = variable.removeprefix("SENT_").lower().split("__")
    model: type[BaseModel] = Settings
    for section in sections:
        kind = model.model_fields[section].annotation
        assert isinstance(kind, type)
        assert issubclass(kind, BaseModel)
        model = kind
    return name in model.model_fields


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that exists here."""
    copy = tmp_path / UNIT.name
    copy.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", UNIT.read_text(), flags=re.MULTILINE))
    return copy


def test_systemd_understands_the_unit(unit: Path) -> None:
    told = checked(tool("systemd-analyze", "systemd"), "verify", "--man=no", unit)
    assert unit.name not in told


def test_the_unit_leaves_the_service_little_to_do_harm_with(unit: Path) -> None:
    told = checked(
        tool("systemd-analyze", "systemd"), "security", "--offline=yes", f"--threshold={EXPOSURE * 10:g}", unit
    )
    assert "Overall exposure level" in told


def test_the_unit_does_not_repeat_what_only_an_operator_can_mend() -> None:
    (codes,) = re.findall(r"^RestartPreventExitStatus=(.*)$", UNIT.read_text(), re.MULTILINE)
    assert set(map(int, codes.split())) == {exits.USAGE, exits.ROOT_REFUSED, exits.MISCONFIGURED}


@pytest.mark.parametrize(
    "file", [UNIT, DOCKERFILE, DEPLOY / "nginx" / "sent-graphql.conf"], ids=lambda file: str(file.name)
)
def test_the_examples_set_what_there_is_to_set(file: Path) -> None:
    variables = set(re.findall(r"\bSENT_[A-Z0-9_]+", file.read_text())) - {"SENT_NETWORK"}
    assert variables
    assert [variable for variable in variables if not names_setting(variable)] == []


def instructions() -> list[tuple[str, str]]:
    """Those of the Dockerfile, with continued lines joined."""
    text = re.sub(r"\\\n\s*", "", DOCKERFILE.read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split()[0], line.partition(" ")[2]) for line in lines]


def test_the_image_is_made_in_two_stages_and_does_not_run_as_root() -> None:
    found = instructions()
    bases = [rest for name, rest in found if name == "FROM"]
    assert len(bases) == 2
    assert not any("/" in base.split()[0] for base in bases), "a base image is named without a registry"
    last = found[[name for name, _ in found].index("FROM", 1) :]
    assert [rest for name, rest in last if name == "USER"] == ["10001:10001"]
    assert {"HEALTHCHECK", "ENTRYPOINT", "CMD"} <= {name for name, _ in last}


def test_the_image_copies_what_there_is() -> None:
    ignored = DOCKERFILE.with_name("Dockerfile.dockerignore").read_text().split()
    for name, rest in instructions():
        if name == "COPY" and not rest.startswith("--from"):
            *sources, _ = rest.split()
            for source in sources:
                assert (ROOT / source).exists(), source
                assert f"!{source}" in ignored


def test_hadolint_has_nothing_to_say() -> None:
    checked(tool("hadolint", "hadolint, where there is one"), DOCKERFILE)


def test_nginx_takes_its_example(tmp_path: Path) -> None:
    nginx, openssl = tool("nginx", "nginx-light"), tool("openssl", "openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    checked(
        *(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=graphql.example.org", "-days", "2"),
        *("-keyout", key, "-out", certificate),
    )
    site = NGINX.read_text()
    site = re.sub(r"ssl_certificate \S+;", f"ssl_certificate {certificate};", site)
    site = re.sub(r"ssl_certificate_key \S+;", f"ssl_certificate_key {key};", site)
    (tmp_path / "site.conf").write_text(site)
    whole = tmp_path / "nginx.conf"
    whole.write_text(
        f"pid {tmp_path}/pid;\nerror_log {tmp_path}/error.log;\nevents {{}}\n"
        f"http {{ access_log off; client_body_temp_path {tmp_path}/body; proxy_temp_path {tmp_path}/proxy; "
        f"fastcgi_temp_path {tmp_path}/f; uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s; "
        f"include {tmp_path}/site.conf; }}\n"
    )
    told = checked(nginx, "-t", "-q", "-p", str(tmp_path), "-c", whole)
    assert "warn" not in told


def test_promtool_takes_the_configuration_and_the_rules() -> None:
    checked(tool("promtool", "prometheus"), "check", "config", DEPLOY / "prometheus" / "prometheus.yml")
