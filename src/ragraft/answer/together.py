"""Several prompts answered at once."""

from __future__ import annotations

from collections.abc import Sequence

from ragraft.answer.stopwatch import Stopwatch
from ragraft.protocols import ChatModel, WritesTogether
from ragraft.types import Completion, Prompt

__all__ = ["complete_all"]


def complete_all(model: ChatModel, asked: Sequence[tuple[Prompt, Stopwatch]]) -> list[Completion]:
    """Return the completion of each prompt, in order: written together where the model can, else in turn.

    Each stopwatch notes how long its own took; of those written together, an even share of the whole.

    Raises: ModelError as the model does, for the first that fails.
    """
    if not isinstance(model, WritesTogether):
        made = []
        for prompt, clock in asked:
            with clock.time("generate"):
                made.append(model.generate(prompt.messages, max_tokens=prompt.max_answer_tokens))
        return made
    completions: dict[int, Completion] = {}
    for tokens in sorted({prompt.max_answer_tokens for prompt, _ in asked}):
        places = [at for at, (prompt, _) in enumerate(asked) if prompt.max_answer_tokens == tokens]
        whole = Stopwatch()
        with whole.time("generate"):
            written = model.generate_many([asked[at][0].messages for at in places], max_tokens=tokens)
        completions |= dict(zip(places, written, strict=True))
        for at in places:
            asked[at][1].timings["generate"] = round(whole.timings["generate"] / len(places), 2)
    return [completions[at] for at in range(len(asked))]
