"""Whether a conversation can be trained on; every reason why not, in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from ragraft.errors import ModelError
from ragraft.models.tokens import chat_text
from ragraft.tune.likeness import NearText
from ragraft.tune.masking import ChatEncoder
from ragraft.types import Message, Question

__all__ = ["NEAR", "evaluation_questions", "fault_of_conversation", "fault_of_tokens", "near_question"]

NEAR = 0.8
"""Likeness from which two texts count as near-duplicates."""

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_ROLES = ("system", "user", "assistant")


def fault_of_conversation(turns: Sequence[tuple[str, str]]) -> str:
    """Return why a conversation's turns cannot be trained on, "" if they can.

    The form is: perhaps a system message, then user and assistant in turn, the assistant last.
    """
    roles = [role for role, _ in turns]
    if unknown := sorted({role for role in roles if role not in _ROLES}):
        return f"unknown role {', '.join(map(repr, unknown))}"
    if "system" in roles[1:]:
        return "the system message is not first"
    spoken = roles[1:] if roles[:1] == ["system"] else roles
    if not spoken or spoken[-1] != "assistant":
        return "it does not end with the assistant's answer"
    if spoken[0] != "user":
        return "it does not begin with a question of the user"
    if any(one == other for one, other in pairwise(spoken)):
        return "the same role speaks twice in a row"
    for role, content in turns:
        if not content.strip():
            return {"user": "the question is empty", "assistant": "the answer is empty"}.get(
                role, "the system message is empty"
            )
        if _CONTROL.search(content):
            return "it holds control characters"
    return ""


def fault_of_tokens(messages: Sequence[Message], encoder: ChatEncoder, *, window: int) -> str:
    """Return why a conversation cannot be trained on once it is in tokens, "" if it can.

    `window` is the most tokens a row may have in training.
    """
    said = [chat_text(turn.content) for turn in messages]
    if held := [token for token in encoder.control_tokens if any(token in text for text in said)]:
        return f"it holds {', '.join(held)}, which commands the model"
    try:
        encoded = encoder.encode(messages)
    except ModelError as error:
        return str(error)
    if len(encoded.ids) > window:
        return f"the answer would be cut: {len(encoded.ids)} tokens, and the window has {window}"
    if not any(encoded.trained):
        return "no token of it would be trained on"
    if encoded.ends < encoded.turns:
        return "an answer does not end with the model's end-of-turn token"
    return ""


def near_question(text: str, questions: NearText) -> str:
    """Return why a text must not be trained on because it asks an evaluation question, "" if it does not."""
    found = questions.nearest(text)
    return f"near-duplicate of the evaluation question {found[0]} ({found[1]:.2f})" if found else ""


def evaluation_questions(questions: Iterable[Question]) -> NearText:
    """Return the questions that no example may ask, ready to be compared with."""
    return NearText(((question.id, question.text) for question in questions), at_least=NEAR)
