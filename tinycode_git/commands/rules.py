"""``git tiny rules``: what the validator looks for, and what each tier does about it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from tinycode_git.commands.app import new_app
from tinycode_git.errors import Exit, UsageError
from tinycode_git.render import jsonout
from tinycode_git.render.escape import visible
from tinycode_git.safety import places, policy
from tinycode_git.safety.rule import FAMILIES, Rule
from tinycode_git.safety.rulefile import load_files, load_shipped, unique

app = new_app("List, show and test the validator's rules and tiers.")


def _all() -> tuple[Rule, ...]:
    own = sorted((Path(places.config()) / "rules").glob("*.toml"))
    return unique((*load_shipped(), *load_files(own)))


def _told() -> tuple[Rule, ...]:
    """Every rule that findings name: those of files, and the few that no text or path alone can tell."""
    from tinycode_git.plan.dependencies import RULE
    from tinycode_git.safety.policychange import RULES

    undeclared = Rule(
        id=RULE,
        family="dependency",
        severity="medium",
        confidence="likely",
        kind="builtin",
        body="imports of a plan's steps, against manifests and lock files",
        message="a step imports a package that no manifest or lock file of the project declares",
        advice="declare it with the project's dependencies, if this is the package that was meant",
        reference="https://cwe.mitre.org/data/definitions/1357.html",
        languages=("go", "javascript", "python", "rust"),
        examples=("import requests",),
        near_misses=("import json",),
    )
    return (*_all(), *RULES, undeclared)


def _json(rule: Rule) -> dict[str, Any]:
    kept = rule._asdict()
    kept["reading"] = kept.pop("kind")
    return {name: value for name, value in kept.items() if value not in ("", (), None, False, 0)}


@app.command("list")
def list_(
    family: Annotated[str, typer.Option("--family", metavar="FAMILY", help="Only one family.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List every rule: id, family, severity, confidence, why it is dangerous.

    Examples:

    \b
      git tiny rules list
      git tiny rules list --family destructive --json

    Exit codes:

    \b
      0  done
      2  no such family, or a rule file of yours that cannot be read
    """
    if family and family not in FAMILIES:
        raise UsageError(f"there is no family '{family}'", f"one of: {', '.join(FAMILIES)}")
    rules = [rule for rule in _told() if family in ("", rule.family)]
    if json:
        jsonout.write({"rules": [_json(rule) for rule in rules]})
        return
    width = max((len(rule.id) for rule in rules), default=0)
    for rule in rules:
        level = f"{rule.severity}, {rule.confidence}"
        print(f"{rule.id:<{width}}  {rule.family:<12}  {level:<19}  {visible(rule.message)}")
    sys.stderr.write(f"{len(rules)} rules; your own go to {visible(str(Path(places.config()) / 'rules'))}/*.toml\n")


@app.command()
def show(
    rule: Annotated[str, typer.Argument(metavar="ID")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show one rule whole, with its examples and near misses.

    Examples:

    \b
      git tiny rules show github-token

    Exit codes:

    \b
      0  done
      2  no rule of that id
    """
    known = {one.id: one for one in _told()}
    if rule not in known:
        from difflib import get_close_matches

        near = get_close_matches(rule, known, n=3, cutoff=0.5)
        raise UsageError(f"there is no rule '{rule}'", f"did you mean: {', '.join(near)}" if near else "")
    found = known[rule]
    if json:
        jsonout.write(_json(found))
        return
    for name, value in _json(found).items():
        if name in ("examples", "near_misses"):
            print(f"{name.replace('_', ' ')}:")
            print("\n".join(f"  {visible(one)}" for one in value))
        else:
            print(f"{name}: {visible(', '.join(value) if isinstance(value, tuple) else str(value))}")


@app.command()
def test(
    file: Annotated[list[Path] | None, typer.Argument(metavar="[FILE]...", help="Rule files (default: all.)")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Test rules against their own examples and near misses, and fixes against what they should mend.

    Examples:

    \b
      git tiny rules test
      git tiny rules test ~/.config/tinycode-git/rules/ours.toml

    Exit codes:

    \b
      0  every example is found, every near miss is not
      1  some are not; they are listed
      2  a rule file that cannot be read: which line
    """
    from tinycode_git.safety.engine import Engine
    from tinycode_git.safety.ruleset import compile_rules
    from tinycode_git.safety.ruletest import problems

    rules = load_files(file) if file else _all()
    engine = Engine(compile_rules(rules))
    wrong = [(rule, said) for rule in rules if (said := problems(engine, rule))]
    if json:
        jsonout.write(
            {"rules": len(rules), "wrong": [{"rule": r.id, "source": r.source, "line": r.line, "problems": said}
                                            for r, said in wrong]}
        )  # fmt: skip
    else:
        for rule, said in wrong:
            for one in said:
                print(f"{visible(rule.source)}:{rule.line}: {rule.id}: {visible(one)}")
        examples = sum(len(rule.examples) + len(rule.near_misses) for rule in rules)
        print(f"{len(rules)} rules, {examples} examples and near misses, {len(wrong)} rules are wrong")
    if wrong:
        raise typer.Exit(Exit.REFUSED)


@app.command()
def tiers(json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Print what each tier does, by severity and confidence.

    Examples:

    \b
      git tiny rules tiers

    Exit codes:

    \b
      0  done
    """
    table = policy.table()
    if json:
        jsonout.write({"tiers": [{"severity": s, "confidence": c, "blocks": does} for s, c, does in table]})
        return
    print(f"{'severity':<10}{'confidence':<12}" + "".join(f"{tier:<12}" for tier in policy.TIERS))
    for severity, confidence, does in table:
        cells = "".join(f"{'blocks' if does[tier] else 'told':<12}" for tier in policy.TIERS)
        print(f"{severity:<10}{confidence:<12}{cells}".rstrip())
    print("\nstrict, paranoid: changes to CI, hooks, lock files and agent instructions need git tiny allow")
    print("paranoid: exceptions are ignored, and plans may only touch paths that they declared")
