"""Every family of networks. A new family gets its own files and an entry here; everything else follows."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from pydantic import TypeAdapter

from mesorch_cli.bounds import shown
from mesorch_cli.errors import UsageError
from mesorch_cli.network.family import Family
from mesorch_cli.network.member import Member
from mesorch_cli.network.mesorch_family import MESORCH_FAMILY

FAMILIES: tuple[Family[Any, Any], ...] = (MESORCH_FAMILY,)
MEMBERS: dict[str, Member] = {name: member for family in FAMILIES for name, member in family.members.items()}
FIRST = MESORCH_FAMILY.name  # for passports without a family, which are older than the second one


def family_of(member: Member) -> Family[Any, Any]:
    """Return the family that a configuration belongs to."""
    return next(family for family in FAMILIES if isinstance(member, family.configuration))


def member_named(name: str) -> Member:
    """Return the configuration of a network that comes with the tool. Raises UsageError for another name."""
    if name not in MEMBERS:
        raise UsageError(f"There is no network {name!r}. Expected one of {', '.join(MEMBERS)}.")
    return MEMBERS[name]


def member_of(stated: object) -> Member:
    """Return the configuration in a passport, from the family that it names. A finished one is returned unchanged.

    Raises ValueError (including pydantic's) or UsageError for anything that no family can build.
    """
    for family in FAMILIES:
        if isinstance(stated, family.configuration):
            made: Member = stated
            return made
    if not isinstance(stated, Mapping):
        raise ValueError("expected a table of the network's settings")
    named = stated.get("family", FIRST)
    for family in FAMILIES:
        if family.name == named:
            values = {key: value for key, value in stated.items() if key != "family"}
            known = {field.name for field in fields(family.configuration)}
            if unknown := sorted(str(key) for key in values if key not in known):
                raise ValueError(f"{shown(unknown[0])} is not a setting of the family {family.title}")
            found: Member = TypeAdapter(family.configuration).validate_python(values)
            return found
    raise ValueError(f"family {shown(named)}: expected one of {', '.join(family.name for family in FAMILIES)}")
