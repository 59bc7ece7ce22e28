"""Results of `torch2jax check` as JUnit XML, which CI systems show."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from torch2jax.verify.checked import Checked


def junit_xml(checked: Sequence[Checked]) -> str:
    """One test case for each thing that was checked, in suites by rule file."""
    root = ElementTree.Element("testsuites")
    files: dict[str, list[Checked]] = {}
    for item in checked:
        files.setdefault(item.file, []).append(item)
    for file, items in files.items():
        failures = sum(bool(item.problem) for item in items)
        attributes = {"name": file, "tests": str(len(items)), "failures": str(failures)}
        suite = ElementTree.SubElement(root, "testsuite", attributes)
        for item in items:
            attributes = {"classname": item.rule, "name": item.what, "file": item.file, "line": str(item.line)}
            case = ElementTree.SubElement(suite, "testcase", attributes)
            if item.problem:
                failure = ElementTree.SubElement(case, "failure", {"message": item.problem})
                failure.text = item.headline
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
