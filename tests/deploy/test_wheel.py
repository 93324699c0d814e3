"""The wheel in a fresh environment: built, installed, asked for its version, and served from.

Building takes the build backend from the package index.
"""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import httpx2
import pytest

from elmemory import __version__
from tests.harness.server import ROOT, free_port, wait_until

pytestmark = pytest.mark.deploy


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed command `elmemory`. What it depends on is that of the tests."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT)], check=True)
    [wheel] = folder.glob("*.whl")
    assert wheel.name == f"elmemory-{__version__}-py3-none-any.whl"
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    python = environment / "bin" / "python"
    subprocess.run([*pip, "--python", str(python), "install", "--no-deps", str(wheel)], check=True)
    [packages] = environment.glob("lib/python*/site-packages")
    (packages / "of_the_tests.pth").write_text(sysconfig.get_path("purelib"))
    return environment / "bin" / "elmemory"


def test_it_has_what_serving_needs(program: Path) -> None:
    [package] = program.parent.parent.glob("lib/python*/site-packages/elmemory")
    for name in ("templates/admin/base_site.html", ".env.example", "locale/de/LC_MESSAGES/django.mo"):
        assert (package / name).is_file(), name
    assert not (package.parent / "tests").exists()


def test_it_prints_its_version(program: Path, tmp_path: Path) -> None:
    done = subprocess.run([program, "--version"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == f"elmemory {__version__}\n"


def test_it_serves_in_an_empty_folder_in_german_too(program: Path, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{(port := free_port())}"
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "serve", "--port", str(port)],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"]},
            stdout=log,
            stderr=log,
        )
    try:

        def health() -> httpx2.Response | None:
            assert process.poll() is None, (tmp_path / "log").read_text()
            try:
                return httpx2.get(f"{url}/health", timeout=20)
            except httpx2.TransportError:
                return None

        answer = wait_until(health)
        assert answer is not None
        assert answer.json()["version"] == __version__
        page = httpx2.get(f"{url}/admin/login/", headers={"accept-language": "de"}, timeout=20).text
        assert "Code, bei Zwei-Faktor-Anmeldung" in page
        assert httpx2.get(f"{url}/static/conversations/call.js", timeout=20).status_code == 200
        with httpx2.stream("GET", f"{url}/static/admin/css/base.css", timeout=20) as style:
            assert style.status_code == 200
    finally:
        process.terminate()
        process.wait(15)
