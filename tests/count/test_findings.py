"""What is kept of a finding is canonical JSON, with the evidence put into it as it came."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.count.record import finding_content
from app.law.line import Finding, Place, canonical, canonical_text, line_after
from app.law.reasons import VALID
from tests.rulesets import CALIFORNIA

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


def content_of(evidence: str | None, who: str, note: str) -> str:
    people = (who, note)
    found = Finding(Place(3, 2, 1), VALID, who, 1, secondary=(note,), evidence=evidence, confirmed_by=people, note=note)
    finding = found._replace(decided_by=who)
    return finding_content(finding, line_after(finding, None, CALIFORNIA), {"ruleset": who, "decided_at": note})


@given(_EVIDENCE, _TEXTS, _TEXTS)
def test_the_content_is_what_encoding_all_of_it_at_once_gives(evidence: dict[str, Any], who: str, note: str) -> None:
    content = content_of(canonical_text(evidence), who, note)
    without = json.loads(content_of(None, who, note))
    assert without["evidence"] is None
    assert content.encode() == canonical({**without, "evidence": evidence})


@given(_TEXTS, _TEXTS)
def test_a_finding_without_evidence_says_so(who: str, note: str) -> None:
    content = content_of(None, who, note)
    assert content.encode() == canonical(json.loads(content))
