"""The container image and the compose files: what a linter would look at."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.harness.server import ROOT

COMPOSED = [[], ["compose.postgres.yaml"], ["compose.openmemory.yaml"]]
DIGEST = r"@sha256:[0-9a-f]{64}$"


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile with their arguments, in order."""
    text = re.sub(r"(?m)^#.*\n", "", (ROOT / "Dockerfile").read_text()).replace("\\\n", " ")
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in text.splitlines() if line)]


def test_the_base_image_is_pinned_by_its_digest() -> None:
    (name, value), *_ = instructions()
    assert name == "ARG"
    assert re.search(DIGEST, value)
    assert all(rest.startswith("${PYTHON}") for name, rest in instructions() if name == "FROM")


def test_the_image_holds_the_packages_that_are_locked_and_runs_as_nobody_special() -> None:
    runs = [rest for name, rest in instructions() if name == "RUN"]
    assert all("--require-hashes" in run or "--no-deps" in run for run in runs if "pip install" in run)
    last = {name: rest for name, rest in instructions() if name in ("USER", "ENTRYPOINT", "HEALTHCHECK", "VOLUME")}
    assert last.keys() == {"USER", "ENTRYPOINT", "HEALTHCHECK", "VOLUME"}
    assert last["USER"] == "10001:10001"


def test_what_the_image_copies_is_there_and_let_in() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    sources = {
        source
        for name, rest in instructions()
        if name == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert sources == let_in
    assert all((ROOT / source).exists() for source in sources)


def composed(*files: str) -> dict[str, Any]:
    services: dict[str, Any] = {}
    for file in ("compose.yaml", *files):
        for name, service in yaml.safe_load((ROOT / "deploy" / file).read_text())["services"].items():
            services[name] = services.get(name, {}) | service
    return services


@pytest.mark.parametrize("files", COMPOSED)
def test_services_are_confined_and_restarted(files: list[str]) -> None:
    for name, service in composed(*files).items():
        assert service["restart"] in ("always", "unless-stopped"), name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert "build" in service or re.search(DIGEST, service["image"]), name
    assert composed()["elmemory"]["read_only"] is True
    assert composed()["elmemory"]["ports"] == ["127.0.0.1:8000:8000"]


@pytest.mark.deploy
@pytest.mark.skipif(not shutil.which("docker-compose"), reason="docker-compose is not installed")
@pytest.mark.parametrize("files", COMPOSED)
def test_compose_reads_the_files(files: list[str], tmp_path: Path) -> None:
    folder = shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    (folder / "elmemory.env").write_text("OPENMEMORY_KEY=key\nPOSTGRES_PASSWORD=password\n")
    options = [option for file in ("compose.yaml", *files) for option in ("-f", file)]
    command = ["docker-compose", "--env-file", "elmemory.env", *options, "config", "--quiet"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
