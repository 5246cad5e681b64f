"""``.tiny.toml``: the project's policy, as text in and values out; and what a change to it loosens."""

from __future__ import annotations

from typing import Any

from tinycode_git.safety.policy import FILE, TIERS, Allow, ProjectPolicy
from tinycode_git.safety.rulefile import BrokenRule, parse_rules, parse_toml


def parse_policy(text: str, source: str = FILE) -> ProjectPolicy:
    """Read the file. Raises BrokenRule with the line; tables of other parts of git tiny are left alone."""
    data = parse_toml(text, source)
    policy = data.get("policy", {})
    tier = policy.get("tier", "") if isinstance(policy, dict) else None
    if tier is None or (tier and tier not in TIERS):
        raise BrokenRule(source, _line(text, "tier"), f"policy.tier: {tier!r} is not one of {', '.join(TIERS)}")
    entries = data.get("allow", [])
    if not isinstance(entries, list):
        raise BrokenRule(source, _line(text, "allow"), "exceptions are written as [[allow]] tables")
    starts = [n for n, line in enumerate(text.split("\n"), 1) if line.strip().replace(" ", "") == "[[allow]]"]
    lines = starts if len(starts) == len(entries) else [1] * len(entries)
    allows = tuple(_allow(entry, source, line) for entry, line in zip(entries, lines, strict=True))
    return ProjectPolicy(tier, allows, parse_rules(text, source))


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


def _line(text: str, field: str) -> int:
    return next((n for n, line in enumerate(text.split("\n"), 1) if line.strip().startswith(field)), 1)


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
