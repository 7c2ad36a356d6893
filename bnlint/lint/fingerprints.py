"""Names of findings that stay the same when other lines of the file change."""

from collections import Counter
from collections.abc import Mapping, Sequence

from bnlint.finding import Finding
from bnlint.source import TextFile


def fingerprints(findings: Sequence[Finding], sources: Mapping[str, TextFile]) -> list[str]:
    """One name for each finding: of its rule, its file, the code that it stands at and the layer.

    Findings that agree in all of it are counted from the top of the file, so that each has its own.
    ``sources`` are the files.
    """
    import hashlib

    seen: Counter[tuple[str, ...]] = Counter()
    found = []
    for finding in findings:
        span = finding.span
        text = sources[span.path].content if span.path in sources else ""
        code = " ".join(text[span.start : span.end].split())
        key = finding.rule, span.path, finding.layer or "", code
        seen[key] += 1
        named = "\0".join((*key, str(seen[key])))
        found.append(hashlib.sha256(named.encode(errors="surrogatepass")).hexdigest()[:32])
    return found
