"""The risk of a step, from where it writes, what it does there, and how much: a pure function of its diff.

Build, CI, hook, dependency and agent-instruction files are high because they run on other people's machines or steer
other programs; what is in the table is said to the user as the reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tinycode_git.git.diff import FileDiff
from tinycode_git.plan.record import Risk, Step, highest
from tinycode_git.proposal import MODE_EXEC, MODE_GITLINK, MODE_LINK

Reason = tuple[Risk, str]

_PATHS: tuple[tuple[Risk, str, str], ...] = (
    (Risk.CRITICAL, r"(^|/)\.git($|/)", "writes inside .git"),
    (
        Risk.HIGH,
        r"(^|/)(\.github/(workflows|actions)/|\.gitlab-ci|\.circleci/|\.buildkite/|\.woodpecker|\.forgejo/|\.gitea/"
        r"|\.drone\.yml|Jenkinsfile|azure-pipelines|\.travis\.yml|appveyor\.yml|bitbucket-pipelines\.yml|\.ci/)",
        "changes CI",
    ),
    (
        Risk.HIGH,
        r"(^|/)(\.pre-commit-config\.yaml|\.pre-commit-hooks\.yaml|\.husky/|\.githooks/|hooks/|lefthook\.yml|\.gitattributes"
        r"|\.gitmodules|\.gitconfig|\.tiny\.toml|\.tiny/)",
        "changes hooks or git's own settings",
    ),
    (
        Risk.HIGH,
        r"(^|/)(Makefile|GNUmakefile|CMakeLists\.txt|[^/]*\.cmake|configure(\.ac)?|meson\.build|BUILD(\.bazel)?|WORKSPACE"
        r"|build\.(gradle|gradle\.kts|rs|xml|zig)|settings\.gradle|Dockerfile[^/]*|[^/]*\.dockerfile|docker-compose[^/]*"
        r"|compose\.ya?ml|Containerfile|Vagrantfile|Rakefile|justfile|Taskfile\.yml|setup\.py|conftest\.py|noxfile\.py|tox\.ini"
        r"|\.envrc|\.vscode/(tasks|launch|settings)\.json|\.idea/|\.devcontainer/)",
        "changes how the project is built or run",
    ),
    (
        Risk.HIGH,
        r"(^|/)(pyproject\.toml|setup\.cfg|requirements[^/]*\.(txt|in)|constraints[^/]*\.txt|Pipfile(\.lock)?|poetry\.lock"
        r"|uv\.lock|pdm\.lock|package(-lock)?\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?|\.npmrc"
        r"|\.yarnrc(\.yml)?|pip\.conf|go\.(mod|sum|work)|Cargo\.(toml|lock)|Gemfile(\.lock)?|[^/]*\.gemspec|composer\.(json|lock)"
        r"|pom\.xml|[^/]*\.(csproj|fsproj|sln)|packages\.lock\.json|mix\.(exs|lock)|flake\.(nix|lock)|environment\.ya?ml)$",
        "changes dependencies",
    ),
    (
        Risk.HIGH,
        r"(?i)(^|/)(AGENTS\.md|CLAUDE\.md|GEMINI\.md|\.cursorrules|\.cursor/|\.windsurfrules|\.clinerules|\.aider[^/]*"
        r"|copilot-instructions\.md|\.github/(prompts|instructions|chatmodes)/|\.mcp\.json|mcp\.json|\.claude/|\.continue/)",
        "changes what coding agents are told",
    ),
    (Risk.MEDIUM, r"(^|/)(CODEOWNERS|SECURITY\.md|LICENSE[^/]*|COPYING[^/]*)$", "changes ownership or licence"),
    (Risk.MEDIUM, r"(^|/)(migrations?/|schema\.(sql|rb|prisma))|\.sql$", "changes a database schema"),
    (Risk.MEDIUM, r"\.(sh|bash|zsh|fish|ps1|bat|cmd)$", "changes a shell script"),
)
_COMPILED = tuple((risk, re.compile(pattern), why) for risk, pattern, why in _PATHS)
_DOCS = re.compile(r"(?i)(^|/)(docs?/|README[^/]*|CHANGELOG[^/]*|CHANGES[^/]*)|\.(md|rst|txt|adoc)$")

_LARGE_LINES, _HUGE_LINES = 400, 4000
_LARGE_FILES, _HUGE_FILES = 20, 200


def risk_of(files: Sequence[FileDiff]) -> tuple[Risk, tuple[str, ...]]:
    """The risk of a step that changes ``files``, and why, highest reason first (each reason once)."""
    found: dict[str, Risk] = {}
    for file in files:
        for risk, why in _file_reasons(file):
            if why not in found or risk.level > found[why].level:
                found[why] = risk
    found |= {why: risk for risk, why in _size_reasons(files)}
    if not files:
        return Risk.NONE, ()
    if not found:
        only_docs = all(_DOCS.search(path) for file in files for path in file.paths)
        return (Risk.NONE, ("documentation only",)) if only_docs else (Risk.LOW, ())
    ordered = sorted(found.items(), key=lambda pair: -pair[1].level)
    return ordered[0][1], tuple(why for why, _ in ordered)


_SEVERITIES = {"critical": Risk.CRITICAL, "high": Risk.HIGH, "medium": Risk.MEDIUM}


def raised(steps: Sequence[Step], findings: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:
    """The steps with the risk that the validator's findings on their commits give them, where that is higher."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for finding in findings:
        if not finding.get("excused"):
            found.setdefault(finding.get("commit", ""), []).append(finding)
    return tuple(_raise(step, found.get(step.oid, [])) for step in steps)


def _raise(step: Step, findings: Sequence[Mapping[str, Any]]) -> Step:
    risk = highest([step.risk, *(_SEVERITIES.get(one["severity"], Risk.LOW) for one in findings)])
    reasons = dict.fromkeys((*step.reasons, *(f"has a finding of {one['rule']}" for one in findings)))
    return replace(step, risk=risk, reasons=tuple(reasons))


def _file_reasons(file: FileDiff) -> list[Reason]:
    reasons = [(risk, why) for risk, pattern, why in _COMPILED if any(pattern.search(p) for p in file.paths)]
    modes = (file.old_mode, file.new_mode)
    if MODE_GITLINK in modes:
        reasons.append((Risk.HIGH, "changes a submodule"))
    elif file.new_mode == MODE_LINK:
        reasons.append((Risk.HIGH, "makes or retargets a symbolic link"))
    elif MODE_LINK in modes and file.status != "D":
        reasons.append((Risk.MEDIUM, "replaces a symbolic link"))
    if file.status == "D":
        reasons.append((Risk.MEDIUM, "deletes files"))
    if file.new_mode == MODE_EXEC and file.old_mode != MODE_EXEC:
        reasons.append((Risk.MEDIUM, "makes a file executable"))
    elif file.old_mode == MODE_EXEC and file.new_mode not in (MODE_EXEC, 0):
        reasons.append((Risk.MEDIUM, "takes the executable bit away"))
    if file.added is None and file.status != "D":
        reasons.append((Risk.MEDIUM, "changes a binary file"))
    return reasons


def _size_reasons(files: Sequence[FileDiff]) -> list[Reason]:
    lines = sum((file.added or 0) + (file.removed or 0) for file in files)
    if lines > _HUGE_LINES or len(files) > _HUGE_FILES:
        return [(Risk.HIGH, f"very large: {len(files)} files, {lines} lines")]
    if lines > _LARGE_LINES or len(files) > _LARGE_FILES:
        return [(Risk.MEDIUM, f"large: {len(files)} files, {lines} lines")]
    return []
