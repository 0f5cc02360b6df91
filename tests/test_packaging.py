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
LOCKED = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[^\s;]+)(?P<rest>.*(?:\n    .*)*)", re.MULTILINE)
LISTS = {name: (ROOT / "packaging" / name).read_text(encoding="utf-8") for name in ("requirements.lock", "onnx.lock")}
WITHOUT_TORCH = [
    line for line in (ROOT / "packaging" / "onnx.in").read_text().splitlines() if line and not line.startswith("#")
]


def versions_of(package: str, text: str) -> list[str]:
    """Return the versions at which a list has a package: one, or one for each kind of Python."""
    return [
        one["version"] for one in LOCKED.finditer(text) if canonicalize_name(one["name"]) == canonicalize_name(package)
    ]


@pytest.mark.parametrize("dependency", PROJECT["dependencies"])
def test_a_dependency_is_locked_at_a_version_that_is_allowed(dependency: str) -> None:
    wanted = Requirement(dependency)
    versions = versions_of(wanted.name, LISTS["requirements.lock"])
    assert versions, "not in the list; run packaging/lock"
    assert all(wanted.specifier.contains(Version(version)) for version in versions), "run packaging/lock"


@pytest.mark.parametrize("name", LISTS)
def test_every_package_has_the_hashes_of_its_files(name: str) -> None:
    found = list(LOCKED.finditer(LISTS[name]))
    assert len(found) > 20
    for one in found:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", one["rest"]), one["name"]
    assert not re.search(r"https?://|file:|^-", LISTS[name], re.MULTILINE), "a list for everybody names no index"


def test_the_list_without_pytorch_asks_for_what_the_tool_does() -> None:
    """The same packages within the same bounds, less PyTorch."""
    whole = {canonicalize_name(one.name): one for one in map(Requirement, PROJECT["dependencies"])}
    without = {canonicalize_name(one.name): one for one in map(Requirement, WITHOUT_TORCH)}
    assert whole.keys() - without.keys() == {"torch"}
    assert without.keys() <= whole.keys()
    for name in whole.keys() & without.keys():
        assert without[name].specifier == whole[name].specifier, name
        assert versions_of(name, LISTS["onnx.lock"]) == versions_of(name, LISTS["requirements.lock"]), name
    assert not versions_of("torch", LISTS["onnx.lock"])


@pytest.mark.parametrize("name", ["numpy", "opencv-python-headless", "pillow", "pydantic", "torch", "typer"])
def test_what_changed_its_interface_before_has_an_upper_bound(name: str) -> None:
    (found,) = [one for one in map(Requirement, PROJECT["dependencies"]) if one.name == name]
    assert any(bound.operator in ("<", "<=", "~=", "==") for bound in found.specifier)


def test_the_container_is_installed_as_the_readme_says_from_files_that_are_there() -> None:
    """.ci/run runs the README's lines for an installation without PyTorch."""
    text = (ROOT / "packaging" / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    (run,) = re.findall(r"^RUN (.*)$", text, re.MULTILINE)
    (line,) = re.findall(
        r"^.*-r packaging/onnx\.lock.*$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    steps = [" ".join(step.replace("--no-cache-dir ", "").split()) for step in run.split("&&")]
    assert steps == [step.strip().removeprefix(".venv-onnx/bin/") for step in line.split("&&")[1:]]
    copied = [place for line in re.findall(r"^COPY (.*)$", text, re.MULTILINE) for place in line.split()[:-1]]
    assert all((ROOT / place).exists() for place in copied)
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    needed = {
        *wheel["packages"],
        *wheel["force-include"],
        *wheel["shared-data"],
        "pyproject.toml",
        "README.md",
        "LICENSE",
    }
    assert needed <= set(copied)
    (version,) = re.findall(r"^FROM python:(\d+\.\d+)", text, re.MULTILINE)
    assert Version(version) in Requirement(f"python{PROJECT['requires-python']}").specifier
