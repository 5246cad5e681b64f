"""``.tiny.toml``: the project's policy, as text in and values out; and what a change to it loosens."""

from __future__ import annotations

import re
from typing import Any

from tinycode_git.safety.policy import FILE, TIERS, Allow, ProjectPolicy
from tinycode_git.safety.rulefile import BrokenRule, parse_rules, parse_toml


def parse_policy(text: str, source: str = FILE) -> ProjectPolicy:
    """Read the file. Raises BrokenRule with the line; tables of other parts of git tiny are left alone."""
    data = parse_toml(text, source)
    tier = _tier(data, text, source)
    entries = data.get("allow", [])
    if not isinstance(entries, list):
        raise BrokenRule(source, _line(text, "allow"), "exceptions are written as [[allow]] tables")
    starts = [n for n, line in enumerate(text.split("\n"), 1) if line.strip().replace(" ", "") == "[[allow]]"]
    lines = starts if len(starts) == len(entries) else [1] * len(entries)
    allows = tuple(_allow(entry, source, line) for entry, line in zip(entries, lines, strict=True))
    return ProjectPolicy(tier, allows, parse_rules(text, source))


_TABLES = ("policy", "allow", "rule")
_FIELDS = ("tier",)
_PLACE = {"tier": "[policy]"} | dict.fromkeys(("paths", "reason", "expires"), "[[allow]]")


def _tier(data: dict[str, Any], text: str, source: str) -> str:
    """The tier that the file asks for, once it is known that no setting stands where nobody reads it."""
    policy = data.get("policy", {})
    if not isinstance(policy, dict):
        raise BrokenRule(source, _line(text, "policy"), "policy: is a table, [policy]")
    for name, value in data.items():
        if name not in _TABLES and not isinstance(value, dict | list):
            place = f"it goes under {_PLACE[name]}" if name in _PLACE else "nothing reads it"
            raise BrokenRule(source, _line(text, name), f"{name}: stands outside of every table; {place}")
        if name not in _TABLES and (meant := _meant(name)):
            raise BrokenRule(
                source, _line(text, f"[{name}", f"[[{name}", name), f"{name}: there is no such table; {meant}"
            )
    for name in policy:
        if name not in _FIELDS:
            place = "it goes under [[allow]]" if _PLACE.get(name) else f"known: {', '.join(_FIELDS)}"
            raise BrokenRule(source, _line(text, name), f"policy: there is no field {name}; {place}")
    tier = policy.get("tier", "")
    if tier not in ("", *TIERS):
        raise BrokenRule(source, _line(text, "tier"), f"policy.tier: {tier!r} is not one of {', '.join(TIERS)}")
    return str(tier)


def _meant(name: str) -> str:
    """Which table a name close to it means; empty where it is another part's own."""
    import difflib

    close = difflib.get_close_matches(name.lower(), _TABLES, 1, 0.75)
    shown = {"policy": "[policy]", "allow": "[[allow]]", "rule": "[[rule]]"}
    return f"{shown[close[0]]} is what it is called" if close else ""


def _allow(entry: Any, source: str, line: int) -> Allow:
    import datetime

    if not isinstance(entry, dict):
        raise BrokenRule(source, line, "allow: is a table")
    if unknown := sorted(set(entry) - {"rule", "paths", "reason", "expires"}):
        raise BrokenRule(source, line, f"allow: there is no field {unknown[0]}")
    rule, reason, paths = entry.get("rule"), entry.get("reason"), entry.get("paths", [])
    if not isinstance(rule, str) or not rule:
        raise BrokenRule(source, line, "allow: rule is missing")
    if not isinstance(reason, str) or not reason.strip():
        raise BrokenRule(source, line, "allow: reason is missing: say why this is no danger")
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise BrokenRule(source, line, "allow: paths is a list of globs")
    expires = entry.get("expires", "")
    if isinstance(expires, datetime.datetime):
        expires = expires.date()
    if expires and not isinstance(expires, datetime.date):
        raise BrokenRule(source, line, "allow: expires is a date, as 2027-01-31")
    return Allow(rule, tuple(paths), reason, expires.isoformat() if expires else "", source)


def _line(text: str, *starts: str) -> int:
    lines = [re.sub(r"[\s\"']+", "", line) for line in text.split("\n")]
    return next((n for n, line in enumerate(lines, 1) if line.startswith(starts)), 1)


def loosened(before: ProjectPolicy, after: ProjectPolicy) -> list[str]:
    """In words, what the policy ``after`` allows that ``before`` did not."""
    said = []
    was, now = (TIERS.index(policy.tier) if policy.tier else -1 for policy in (before, after))
    if now < was:
        said.append(f"tier goes from {before.tier} to {after.tier or 'none'}")
    said += [f"exception for {one.rule}: {one.reason}" for one in after.allows if one not in before.allows]
    kept = {rule.id: rule._replace(line=0) for rule in after.rules}
    said += [
        f"rule {rule.id} is changed or gone" for rule in before.rules if kept.get(rule.id) != rule._replace(line=0)
    ]
    return said
