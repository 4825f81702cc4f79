"""What is kept of a finding is canonical JSON, with the evidence put into it as it came."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.count.finding import Finding, finding_content
from app.law.canonical import canonical, canonical_text
from app.law.line import Line, Merits, Place
from app.law.tally import LineState

# Among the texts such that look like what the evidence takes the place of.
_TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from([',"evidence":null,', '","evidence":null,"', '\\","evidence":null,', '"', "\\", ","]),
)
_EVIDENCE = st.dictionaries(
    _TEXTS,
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), _TEXTS),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_TEXTS, inner, max_size=3)),
        max_leaves=8,
    ),
    max_size=5,
)


def a_finding(evidence: str | None, who: str, note: str) -> Finding:
    line = Line(Place(3, 2, 1), LineState("valid", None, who, settled=True), finding_no=1, confirmed_by=(who, note))
    return Finding(line, None, Merits("valid", None, who, 1, secondary=(note,), evidence=evidence), who, False, note)  # noqa: FBT003 - person


@given(_EVIDENCE, _TEXTS, _TEXTS)
def test_the_content_is_what_encoding_all_of_it_at_once_gives(evidence: dict[str, Any], who: str, note: str) -> None:
    content = finding_content(a_finding(canonical_text(evidence), who, note), ruleset=who, decided_at=note)
    without = json.loads(finding_content(a_finding(None, who, note), ruleset=who, decided_at=note))
    assert without["evidence"] is None
    assert content.encode() == canonical({**without, "evidence": evidence})


@given(_TEXTS, _TEXTS)
def test_a_finding_without_evidence_says_so(who: str, note: str) -> None:
    content = finding_content(a_finding(None, who, note), ruleset=who, decided_at=note)
    assert content.encode() == canonical(json.loads(content))
