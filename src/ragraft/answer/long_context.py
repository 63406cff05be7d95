"""The long-context control: the model is given all that fits its window, and nothing is searched."""

from __future__ import annotations

from ragraft.answer.confidence import Terms
from ragraft.answer.policy import Policy
from ragraft.answer.prompt import Budget
from ragraft.answer.rag import RagSystem
from ragraft.protocols import ChatModel, Retriever, Verifier
from ragraft.types import SystemCard

__all__ = ["long_context_system"]


def long_context_system(
    *,
    card: SystemCard,
    everything: Retriever,
    model: ChatModel,
    verifier: Verifier,
    terms: Terms,
    policy: Policy,
    weigh: bool,
    budget: Budget,
) -> RagSystem:
    """Return a system that answers from all that `everything` returns, as far as the model's window holds it.

    Question, history and answer keep their shares of `budget`; passages get the rest of the window. What is written
    is checked as RagSystem checks it. There is no reader, which would have to read everything for every question:
    so there is no confidence, and no quotation where the model fails.
    """
    return RagSystem(
        card=card,
        retriever=everything,
        model=model,
        verifier=verifier,
        terms=terms,
        policy=policy,
        quote=False,
        weigh=weigh,
        passages=model.window,  # a passage has at least one token
        budget=Budget(
            question=budget.question, history=budget.history, passages=model.window, answer=budget.answer
        ),
    )
