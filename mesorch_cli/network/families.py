"""Every family of networks. A new one is made in files of its own and listed here; all else follows from it."""

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
FIRST = MESORCH_FAMILY.name  # of passports that name no family: they are older than the second one


def family_of(member: Member) -> Family[Any, Any]:
    """Return the family that a configuration belongs to."""
    return next(family for family in FAMILIES if isinstance(member, family.configuration))


def member_named(name: str) -> Member:
    """Return the configuration of a network that comes with the tool. Raises UsageError for another name."""
    if name not in MEMBERS:
        raise UsageError(f"No network {name!r}; expected one of {', '.join(MEMBERS)}.")
    return MEMBERS[name]


def member_of(stated: object) -> Member:
    """Return the configuration that a passport states, of the family that it names; one that is made already as it is.

    Raises ValueError (pydantic's among them) or UsageError for what no family can build.
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
                raise ValueError(f"{shown(unknown[0])} is no setting of a network of the family {family.title}")
            found: Member = TypeAdapter(family.configuration).validate_python(values)
            return found
    raise ValueError(f"family {shown(named)}: expected one of {', '.join(family.name for family in FAMILIES)}")
