"""The locked list covers what pyproject.toml asks for, and every package in it has hashes."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "packaging" / "requirements.lock").read_text(encoding="utf-8")
ENTRIES = re.findall(r"^(?P<name>[\w.-]+)==(?P<version>[^\s;]+)(?P<rest>.*(?:\n    .*)*)", LOCK, re.MULTILINE)


@pytest.mark.parametrize("dependency", PROJECT["dependencies"])
def test_a_dependency_is_locked_at_a_version_that_is_allowed(dependency: str) -> None:
    wanted = Requirement(dependency)
    versions = [version for name, version, _ in ENTRIES if canonicalize_name(name) == canonicalize_name(wanted.name)]
    assert versions, "not in the list; run packaging/lock"
    assert all(wanted.specifier.contains(Version(version)) for version in versions), "run packaging/lock"


def test_every_package_has_the_hashes_of_its_files() -> None:
    assert len(ENTRIES) > len(PROJECT["dependencies"])
    for name, _, rest in ENTRIES:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", rest), name
    assert not re.search(r"https?://|file:|^-", LOCK, re.MULTILINE), "a list for everybody names no index"


@pytest.mark.parametrize("name", ["numpy", "opencv-python-headless", "pillow", "pydantic", "torch", "timm", "typer"])
def test_what_changed_its_interface_before_has_an_upper_bound(name: str) -> None:
    (found,) = [one for one in map(Requirement, PROJECT["dependencies"]) if one.name == name]
    assert any(bound.operator in ("<", "<=", "~=", "==") for bound in found.specifier)
