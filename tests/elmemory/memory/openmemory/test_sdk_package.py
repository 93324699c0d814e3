"""What another package named openmemory does to us: a finding of `check`, with what to do about it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from elmemory.memory.openmemory import OpenMemoryMisconfigured
from elmemory.memory.openmemory.sdk import sdk_module
from tests.harness.server import ROOT

FOREIGN = {
    "empty": ("", "is not the SDK (AttributeError)"),
    "wants a package that is missing": ("import package_that_is_missing", "package_that_is_missing is not installed"),
    "fails": ("raise RuntimeError('secret-in-it')", "is not the SDK (RuntimeError)"),
    "other names": ("class OpenMemory: pass", "has no remote mode"),
    "no class": ("OpenMemory = 7", "openmemory that is installed"),
    "without remote mode": ("class OpenMemory:\n def __init__(self, path): pass", "has no remote mode"),
}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package openmemory that can be imported."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "openmemory", raising=False)
    path = tmp_path / "openmemory" / "__init__.py"
    path.parent.mkdir()
    return path


@pytest.mark.parametrize(("code", "problem"), FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_package_is_named_with_the_remedy(installed: Path, code: str, problem: str) -> None:
    installed.write_text(code)
    try:
        with pytest.raises(OpenMemoryMisconfigured) as found:
            sdk_module()
    finally:
        sys.modules.pop("openmemory", None)
    assert problem in str(found.value)
    assert "leave OPENMEMORY_CLIENT empty" in str(found.value)
    assert "secret-in-it" not in str(found.value)


def test_what_the_package_puts_into_the_environment_is_taken_back(installed: Path) -> None:
    installed.write_text(
        "import os\nos.environ['FROM_A_DOTENV'] = '1'\n"
        "class OpenMemory:\n def __init__(self, mode, url, apiKey): pass\n"
    )
    try:
        assert sdk_module().__name__ == "openmemory"
    finally:
        sys.modules.pop("openmemory", None)
    assert "FROM_A_DOTENV" not in os.environ


@pytest.mark.parametrize("missing", ["openmemory", "requests"])
def test_check_reports_it_without_a_traceback(tmp_path: Path, missing: str) -> None:
    (tmp_path / missing).mkdir()
    (tmp_path / missing / "__init__.py").write_text("raise ImportError" if missing == "requests" else "")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(tmp_path),
        "ELMEMORY_ENV_FILE": "",
        "SECRET_KEY": "only-for-tests-0123456789-0123456789-0123456789-0123456789",
        "PAYLOAD_STORAGE_PATH": str(tmp_path / "payloads"),
        "DATABASE_URL": str(tmp_path / "default.sqlite3"),
        "INDEX_DATABASE_URL": str(tmp_path / "index.sqlite3"),
        "OPENMEMORY_DB_PATH": str(tmp_path / "memory.sqlite3"),
        "OPENMEMORY_PORT": "8080",
        "OPENMEMORY_KEY": "key",
        "OPENMEMORY_CLIENT": "sdk",
    }
    command = [sys.executable, "manage.py", "check"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "elmemory.E015" in done.stderr
    assert missing in done.stderr
    assert "Traceback" not in done.stderr
