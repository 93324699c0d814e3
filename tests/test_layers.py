"""Every module has its place in the import contracts of pyproject.toml."""

import tomllib
from pathlib import Path

import pytest

from tests.harness.server import ROOT

CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
CONTAINERS = {container: contract for contract in CONTRACTS for container in contract.get("containers", ())}


def modules(package: Path) -> set[str]:
    return {
        path.stem
        for path in package.iterdir()
        if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").exists()
    }


def layered(package: str) -> set[str]:
    return {name.strip() for layer in CONTAINERS[package]["layers"] for name in layer.replace(":", "|").split("|")}


@pytest.mark.parametrize("package", ["elmemory", "webhooks", "conversations"])
def test_every_module_of_a_top_level_package_is_in_a_layer(package: str) -> None:
    assert modules(ROOT / package) == layered(package)


@pytest.mark.parametrize("package", sorted(CONTAINERS))
def test_a_layer_names_modules_that_exist(package: str) -> None:
    assert layered(package) <= modules(ROOT / package.replace(".", "/"))


def test_no_module_outside_tests_is_longer_than_one_idea() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for package in ("elmemory", "webhooks", "conversations")
        for path in (ROOT / package).rglob("*.py")
        if (lines := sum(bool(line.strip()) for line in path.read_text(encoding="utf-8").splitlines())) > 300
    }
    assert long == {}
