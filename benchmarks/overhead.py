"""What an answer costs besides its generation, and how long its first token takes.

Everything but the model - search with its audit entry, reading, the prompt, checking every sentence - is timed
with a fake model that answers with a sentence of the passages, at one caller and at eight. The reference is the
search alone, in the same run. The first token is that of the embedded model on the prompts of the handbook,
with and without kept prefixes: prompts of the same passages in the same order share all but the question.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from benchmarks.answers import PLACES
from benchmarks.figures import Figure, Report, percentile, run
from benchmarks.world import calibrate, new_library
from ragraft.access.labels import OWNER, AccessRules
from ragraft.models.fake import FakeChatModel
from ragraft.models.files import chat_model_file
from ragraft.models.local import LocalChatModel
from ragraft.protocols import ChatModel
from ragraft.questions import read_questions
from ragraft.systems import Workbench
from ragraft.types import Message

CALLERS = (1, 8)
QUESTIONS = 60
PROMPTS = 8


def measure(*, questions: int = QUESTIONS, prompts: int = PROMPTS) -> Report:
    """Return the figures."""
    report = Report(settings={"questions": questions, "prompts": prompts})
    documents, file = PLACES["handbook"]
    asked = [question.text for question in read_questions(file)][:questions]
    with new_library() as bench:
        bench.sync.add_path(documents, rules=AccessRules(), caller=OWNER)
        calibrate(bench)
        with Workbench(bench.workspace, model=FakeChatModel(window=100_000)) as fast:
            report.add(*_overhead(fast, asked))
            system = fast.rag
            given = [
                system.answer(question, caller=OWNER).prompt.messages for question in asked[: 3 * prompts]
            ]
    given = [messages for messages in given if messages][:prompts]
    report.add(*_first_tokens(given))
    return report


def _overhead(bench: Workbench, questions: Sequence[str]) -> list[Figure]:
    stages: dict[str, list[float]] = {}

    def answer(question: str) -> None:
        for stage, taken in bench.rag.answer(question, caller=OWNER).timings.items():
            stages.setdefault(stage, []).append(taken)

    def search(question: str) -> None:
        bench.retriever.retrieve(question, limit=5, caller=OWNER)

    figures = []
    for callers in CALLERS:
        alone, whole = (_times(work, questions, callers) for work in (search, answer))
        if callers == 1:
            medians = {stage: percentile(taken, 0.5) for stage, taken in stages.items()}
        figures += [
            Figure(
                f"{callers} caller{'s' * (callers > 1)}: everything but the model, p{share}",
                percentile(whole, share / 100),
                "ms",
                reference="search alone",
                reference_value=percentile(alone, share / 100),
            )
            for share in (50, 95)
        ]
    return figures + [Figure(f"1 caller: {stage}, p50", taken, "ms") for stage, taken in medians.items()]


def _times(work: Callable[[str], None], questions: Sequence[str], callers: int) -> list[float]:
    """Return the milliseconds of each call, with so many at a time."""

    def timed(question: str) -> float:
        began = time.perf_counter()
        work(question)
        return 1000 * (time.perf_counter() - began)

    with ThreadPoolExecutor(callers) as pool:
        list(pool.map(timed, questions[:callers]))
        return list(pool.map(timed, questions))


def _first_tokens(prompts: Sequence[tuple[Message, ...]]) -> list[Figure]:
    plain = LocalChatModel(chat_model_file())
    without = [_first_token(plain, messages) for messages in prompts]
    del plain
    keeping = LocalChatModel(chat_model_file(), prefix_caching=True)
    fresh = [_first_token(keeping, messages) for messages in prompts]
    again = [_first_token(keeping, _reworded(messages)) for messages in prompts]
    tokens = sum(keeping.count_tokens(messages) for messages in prompts) / len(prompts)
    note = f"{len(prompts)} prompts of {tokens:.0f} tokens on average"
    return [
        Figure("first token, p50", percentile(without, 0.5), "ms", note=note),
        Figure(
            "first token with kept prefixes, another question on the same passages, p50",
            percentile(again, 0.5),
            "ms",
            reference="first time",
            reference_value=percentile(fresh, 0.5),
        ),
    ]


def _first_token(model: ChatModel, messages: Sequence[Message]) -> float:
    """Return the milliseconds until the first piece of text."""
    began = time.perf_counter()
    first: list[float] = []

    def note(_piece: str) -> None:
        first.append(1000 * (time.perf_counter() - began))

    model.generate(messages, max_tokens=4, on_text=note)
    return first[0] if first else 1000 * (time.perf_counter() - began)


def _reworded(messages: tuple[Message, ...]) -> list[Message]:
    """Return a prompt with the same passages and another question."""
    head, _, _ = messages[-1].content.rpartition("Question: ")
    return [*messages[:-1], Message("user", f"{head}Question: And who decides that?")]


def _measure(chosen: argparse.Namespace) -> Report:
    return measure(questions=10, prompts=2) if chosen.quick else measure()


if __name__ == "__main__":
    sys.exit(
        run("overhead", _measure, about="time of an answer besides its generation, and to the first token")
    )
