"""`make audit` fails for vulnerabilities, and for nothing else."""

import subprocess
from pathlib import Path

import pytest

from tests.harness.server import ROOT


@pytest.mark.parametrize(
    ("tool", "code", "words"),
    [
        ("exit 0", 0, "No known vulnerabilities; requirements unknown to the advisory source: 0."),
        ("echo 'django | could not be audited'; exit 0", 0, "requirements unknown to the advisory source: 1."),
        ("echo 'django | 6.1.3 | an advisory'; exit 1", 1, "django | 6.1.3 | an advisory"),
        ("echo 'cannot connect' >&2; exit 1", 0, "were not audited"),
        ("exit 127", 0, "were not audited"),
    ],
)
def test_the_audit_fails_for_vulnerabilities_only(tmp_path: Path, tool: str, code: int, words: str) -> None:
    script = tmp_path / "pip-audit"
    script.write_text(f"#!/bin/sh\n{tool}\n")
    script.chmod(0o700)
    done = subprocess.run(
        ["/bin/sh", "bin/audit", script], cwd=ROOT, capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == code
    assert words in done.stdout + done.stderr
