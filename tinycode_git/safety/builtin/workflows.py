"""GitHub workflows: what a stranger can put into a script, or run with the project's secrets.

Lines and indentation are enough: a workflow that is not the plain block YAML that everyone writes is not looked into.
https://docs.github.com/en/actions/reference/security/secure-use
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tinycode_git.safety.builtin import Span, Subject, builtin

_KEY = re.compile(rb"([ \t]*)(- +)?([A-Za-z0-9_-]+):[ \t]*(.*)")
# Fields of an event that whoever causes it writes as they like.
_UNTRUSTED = re.compile(
    rb"\$\{\{[^}\n]*\b(?:github\.head_ref\b|github\.event\.(?:[a-z_]+\.)*"
    rb"(?:title|body|message|email|name|label|ref|head_ref|default_branch|page_name|display_title|homepage|description|login)\b"
    rb"|github\.event\.(?:client_payload|comment|issue|commits|pages)\b)[^}\n]*\}\}"
)
_SAFE = re.compile(rb"\$\{\{[^}\n]*\b(?:github\.event\.repository\.(?:name|default_branch)|contains\(|startsWith\()")
_SCRIPTS = (b"run", b"script")
_TARGET = re.compile(rb"^[ \t-]*(?:on:.*\b)?(?:pull_request_target|workflow_run)\b", re.M)
_HEAD = re.compile(
    rb"\$\{\{[^}\n]*(?:github\.event\.pull_request\.(?:head\.(?:sha|ref)|merge_commit_sha)|github\.head_ref"
    rb"|github\.event\.workflow_run\.head_(?:sha|branch)|refs/pull/)[^}\n]*\}\}|refs/pull/\$\{\{"
)
_STRANGERS = re.compile(rb"^[ \t-]*(?:on:.*\b)?pull_request(?:_target)?\b", re.M)
_SELF_HOSTED = re.compile(rb"^[ \t]*runs-on:[^\n#]*\bself-hosted\b", re.M)


@builtin("workflow-expression")
def expressions_in_scripts(subject: Subject) -> Iterator[Span]:
    """Expressions that a stranger fills, where they become part of a script (``run:``, github-script's ``script:``)."""
    for start, line in _script_lines(subject.text):
        for found in _UNTRUSTED.finditer(line):
            if not _SAFE.match(found[0]):
                yield Span(start + found.start(), start + found.end())


def _script_lines(text: bytes) -> Iterator[tuple[int, bytes]]:
    """Offset and content of the lines that belong to a script."""
    at, inside = 0, -1
    for line in text.splitlines(keepends=True):
        start, at = at, at + len(line)
        indent = len(line) - len(line.lstrip(b" \t"))
        if inside >= 0 and (not line.strip() or indent > inside):
            yield start, line
            continue
        inside = -1
        key = _KEY.match(line)
        if key and key[3] in _SCRIPTS:
            inside = len(key[1]) + len(key[2] or b"")
            yield start, line


@builtin("workflow-target-checkout")
def checkout_of_strangers(subject: Subject) -> Iterator[Span]:
    """A checkout of what a pull request brings, in a workflow that runs with the project's secrets."""
    if _TARGET.search(subject.text):
        for found in _HEAD.finditer(subject.text):
            line = subject.text.rfind(b"\n", 0, found.start()) + 1
            if re.match(
                rb"\s*(?:-\s*)?(?:ref|repository):|.*\bgit\s+(?:checkout|fetch|clone)\b",
                subject.text[line : found.start()],
            ):
                yield Span(found.start(), found.end())


@builtin("workflow-self-hosted")
def self_hosted_for_strangers(subject: Subject) -> Iterator[Span]:
    """A machine of one's own for jobs that anyone's pull request starts."""
    if _STRANGERS.search(subject.text):
        for found in _SELF_HOSTED.finditer(subject.text):
            yield Span(found.start(), found.end())
