"""What a JUnit report has to look like for those who read it."""

from __future__ import annotations

import xml.etree.ElementTree as ET

# The parts of JUnit XML that are written, as the schema of Jenkins's xunit plugin (junit-10.xsd) has them: attributes
# that may stand there, those that must, elements inside.
_JUNIT: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname", "id", "package"},
        {"name", "tests", "failures", "errors"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "testcase": (
        {"name", "classname", "time", "group"},
        {"name"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    "failure": ({"type", "message"}, set(), set()),
    "skipped": ({"type", "message"}, set(), set()),
    "system-err": (set(), set(), set()),
}


def valid_junit(element: ET.Element) -> None:
    """A report that Jenkins, GitLab and Surefire's readers take: names, nesting, text only where it may be, counts."""
    may, must, inside = _JUNIT[element.tag]
    assert must <= set(element.keys()) <= may, element.attrib
    assert {one.tag for one in element} <= inside, element.tag
    if inside:
        assert not (element.text or "").strip() and not any((one.tail or "").strip() for one in element)
    for one in element:
        valid_junit(one)
    if element.tag != "testsuite":
        return
    cases = element.findall("testcase")
    assert int(element.get("tests", "")) == len(cases)
    assert len({case.get("name") for case in cases}) == len(cases)
    for tag, total in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert int(element.get(total, "0")) == sum(case.find(tag) is not None for case in cases)
    assert all(len(case) <= 1 for case in cases)
