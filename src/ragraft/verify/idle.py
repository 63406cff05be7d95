"""Sentences that claim nothing, and the yes and no before those that do."""

from __future__ import annotations

import re

__all__ = ["claims_nothing", "split_reply"]

# What goes on after these, or joins another clause to them, may claim something.
_ONLY = r"(?:(?!\b(?:but|however|although|and|aber|jedoch|und)\b|[,;:–—]).){0,160}"
_SILENT = r"(?:say|mention|contain|state|specify|give|provide|include|tell|answer|cover|address|name|describe|explain)"
_NOTHING = re.compile(
    rf"""^\W*(?:(?:unfortunately|sorry|leider),?\s+)?(?:
      (?:i\s+)?hope\s+(?:this|that|it)\s+helps(?:\s+you)?
    | (?:please\s+)?let\s+me\s+know\s+if\s+you\s+(?:have|need|want)\b{_ONLY}
    | (?:please\s+)?feel\s+free\s+to\s+(?:ask|reach\s+out|contact\s+me)\b{_ONLY}
    | (?:sorry|apologies|thanks|thank\s+you|sure|of\s+course|certainly|great\s+question|you['’]?(?:re|\s+are)\s+welcome)
      (?:\s+for\s+(?:the|your|any)\s+\w+)?
    | (?:here|below|the\s+following)\s+(?:is|are)\b[^.,;]{{0,60}}:
    | not\s+in\s+the\s+documents
    | (?:the|these|those|your)?\s*(?:given\s+|provided\s+)?(?:documents?|passages?|texts?|sources?|context|excerpts?)\s+
      (?:(?:do(?:es)?\s+not|do(?:es)?n['’]t)\s+{_SILENT}|(?:give|gives|contain|contains)\s+no)\b{_ONLY}
    | i\s+(?:do\s+not|don['’]t|cannot|can['’]t|could\s+not|couldn['’]t|was\s+unable\s+to)\s+
      (?:know|find|answer|say|tell)\b{_ONLY}
    | (?:die|den|diese[nr]?)\s+(?:dokumente?n?|unterlagen|texte?n?|quellen|passagen)\s+
      (?:sagen|enthalten|nennen|geben)\s+(?:\w+\s+){{0,3}}(?:nichts?|keine?n?)\b{_ONLY}
    | ich\s+(?:hoffe,?\s+das\s+hilft|weiß\s+(?:es|das)\s+nicht)
    | (?:gerne?|danke|entschuldigung)
    )\W*$""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_REPLY = re.compile(r"^\W*(yes|no|ja|nein)\b(?:\s*[,.:;!–—-]+\s*|\s*$)", re.IGNORECASE)
_DIGIT = re.compile(r"\d")


def claims_nothing(sentence: str) -> bool:
    """Return whether a sentence states nothing that a passage could support: thanks, questions, "not found".

    A sentence with a digit in it always claims something, and so does one that goes on after a "but".
    """
    bare = sentence.strip()
    if not any(letter.isalnum() for letter in bare):
        return True
    if _DIGIT.search(bare) or len(bare) > 400:
        return False
    return (bare.endswith("?") and bare.count("?") == 1) or _NOTHING.match(bare) is not None


def split_reply(sentence: str) -> tuple[bool | None, str]:
    """Return whether a sentence begins with yes (True) or no (False), and what follows."""
    match = _REPLY.match(sentence)
    if match is None:
        return None, sentence
    return match[1].lower() in ("yes", "ja"), sentence[match.end() :]
