"""The report of a conversion as JSON. The schema is documented in docs/cli.md; `schema` counts its versions."""

from collections import Counter
from collections.abc import Sequence

from torch2jax.conversion import Axes, Conversion, Coverage, Interface, ProjectReport
from torch2jax.options import Options
from torch2jax.report import Diagnostic, count_by_severity
from torch2jax.version import __version__

SCHEMA = 1

Json = dict[str, object]


def to_json(report: ProjectReport, options: Options, changed: Sequence[bool]) -> Json:
    """The whole report as what `json.dumps` takes. changed: whether each file differs from its source, in order."""
    findings = report.diagnostics
    return {
        "schema": SCHEMA,
        "torch2jax": __version__,
        "ok": report.ok,
        "options": {
            "interface": options.interface,
            "strict": options.strict,
            "rules_dirs": [str(folder) for folder in options.rules_dirs],
        },
        "coverage": _coverage(report.coverage),
        "severities": {severity.value: count for severity, count in count_by_severity(findings).items()},
        "codes": dict(sorted(Counter(finding.code for finding in findings).items())),
        "files": [
            _file(path, conversion, differs)
            for (path, conversion), differs in zip(report.files.items(), changed, strict=True)
        ],
        "copied": list(report.copied),
        "notes": _findings(report.notes),
    }


def _file(path: str, conversion: Conversion, changed: bool) -> Json:
    return {
        "path": path,
        "ok": conversion.ok,
        "changed": changed,
        "transposes": conversion.transposes,
        "coverage": _coverage(conversion.coverage),
        "interfaces": {name: _interface(interface) for name, interface in conversion.interfaces.items()},
        "diagnostics": _findings(conversion.diagnostics),
    }


def _findings(findings: tuple[Diagnostic, ...]) -> list[Json]:
    return [dict(finding.to_json()) for finding in sorted(findings, key=lambda d: d.sort_key)]


def _coverage(coverage: Coverage) -> Json:
    return {
        "translated": coverage.translated,
        "flagged": coverage.flagged,
        "dropped": coverage.dropped,
        "percent": round(coverage.percent, 2),
    }


def _interface(interface: Interface) -> Json:
    result: Axes | list[Axes] = list(interface.result) if isinstance(interface.result, tuple) else interface.result
    return {"params": dict(interface.params), "result": result}
