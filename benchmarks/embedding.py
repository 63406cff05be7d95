"""How much of the processor the embedder uses: its rate beside the machine's own bf16 matrix product.

The rate counts the arithmetic of the encoder on the texts' own tokens, padding and tokenising not:
for a text of L tokens, layers * (24 L h^2 + 4 L^2 h) operations, h = 384. The whole call is timed, from
strings to vectors, for a twentieth of the passages at a time. The peak is OpenVINO's product of two square
matrices with the same threads and in the same precision, measured before each call; the better of two sizes
counts. Medians over the calls. Per second of processor time the comparison holds on a busy machine too.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import openvino
from openvino import opset15 as ops

from benchmarks.figures import Figure, Report, at_least, at_least_times, at_most, percentile, run
from benchmarks.ground import pubmedqa, xquad_de, xquad_en
from ragraft.models.bert import build_embedder
from ragraft.models.encoders import OpenVinoEmbedder
from ragraft.models.files import EMBEDDER_NAME, embedder_folder
from ragraft.models.network import pad
from ragraft.models.processor import compile_for_processor, thread_count
from ragraft.models.tokens import load_tokenizer
from ragraft.types import Vectors

SIZES = (2048, 3072)
SLICES = 20
REPEATS = 3
COLD_START = """
import time
from ragraft.models.encoders import OpenVinoEmbedder
from ragraft.models.files import embedder_folder
OpenVinoEmbedder(embedder_folder()).embed(["What is the capital of France?"])
print(time.time())
"""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the embedder, and the peak in GFLOP/s just before; each by the clock and in processor time."""

    tokens: int
    gflop: float
    seconds: float
    processor_seconds: float
    peak: float
    processor_peak: float


def measure(chosen: argparse.Namespace) -> Report:
    """Measure rate, accuracy, the time of one question and a cold start."""
    passages = [text.text for ground in (xquad_en(), pubmedqa()) for text in ground.documents]
    questions = list(xquad_en().queries.values())
    repeats, passages = (1, passages[::5]) if chosen.quick else (REPEATS, passages)
    threads = thread_count()
    embedder = OpenVinoEmbedder(embedder_folder(), name=EMBEDDER_NAME, threads=threads)
    calls = _calls(embedder, [passages[start::SLICES] for start in range(SLICES)] * repeats, threads=threads)
    tokens = statistics.median(call.tokens / call.seconds for call in calls)
    per_passage = sum(call.tokens for call in calls) / (repeats * len(passages))
    report = Report(
        settings={"threads": threads, "passages": len(passages), "tokens_per_passage": per_passage}
    )
    report.detail = {"calls": [asdict(call) for call in calls]}
    report.add(
        Figure(
            *("embedding rate", statistics.median(c.gflop / c.seconds for c in calls), "GFLOP/s"),
            *(at_least_times(0.70), "bf16 matrix product", statistics.median(c.peak for c in calls)),
        ),
        Figure(
            "the same per second of processor time",
            statistics.median(call.gflop / call.processor_seconds for call in calls),
            "GFLOP/s",
            reference="bf16 matrix product",
            reference_value=statistics.median(call.processor_peak for call in calls),
        ),
        Figure("tokens", tokens, "tokens/s"),
        Figure("passages", tokens / per_passage, "passages/s"),
        Figure("one question, p50", _one_question(embedder, questions[:200]), "ms", at_most(4)),
        Figure("process start to first vector", _cold_start(5 * repeats), "s", at_most(0.8)),
        _accuracy(embedder, [*questions[:100], *passages[:60], *(t.text for t in xquad_de().documents[:40])]),
    )
    return report


def _calls(embedder: OpenVinoEmbedder, slices: Sequence[Sequence[str]], *, threads: int) -> list[Call]:
    products = [_matrix_product(size, threads) for size in SIZES]
    calls = []
    for number, texts in enumerate([slices[0], *slices]):
        found = [product() for product in products]
        lengths = [min(count, embedder.max_tokens) for count in embedder.count_tokens(texts)]
        seconds, processor_seconds = _seconds(lambda texts=texts: embedder.embed(texts))
        gflop = sum(_operations(length) for length in lengths) / 1e9
        peak, processor_peak = (max(kind) for kind in zip(*found, strict=True))
        if number > 0:  # the first call prepares the shapes
            calls.append(Call(sum(lengths), gflop, seconds, processor_seconds, peak, processor_peak))
    return calls


def _operations(length: int) -> int:
    config = json.loads((embedder_folder() / "config.json").read_text())
    hidden, layers = config["hidden_size"], config["num_hidden_layers"]
    return int(layers * (24 * length * hidden**2 + 4 * length**2 * hidden))


def _matrix_product(size: int, threads: int) -> Callable[[], tuple[float, float]]:
    """Return a function that multiplies two square matrices and returns its GFLOP/s, in both times."""
    rng = np.random.default_rng(0)
    left, right = (rng.normal(size=(size, size)).astype(np.float32) for _ in range(2))
    given = ops.parameter([size, size], np.float32)
    product = ops.matmul(given, ops.constant(right), transpose_a=False, transpose_b=True)
    # The largest element alone comes back, so that copying the product out is not measured.
    model = openvino.Model([ops.reduce_max(product, np.array([0, 1]))], [given], "product")
    request = compile_for_processor(model, threads=threads).create_infer_request()
    request.infer([left])

    def rate() -> tuple[float, float]:
        times = [_seconds(lambda: request.infer([left])) for _ in range(REPEATS)]
        clock, processor = (2 * size**3 / 1e9 / statistics.median(kind) for kind in zip(*times, strict=True))
        return clock, processor

    return rate


def _one_question(embedder: OpenVinoEmbedder, questions: Sequence[str]) -> float:
    times = [_seconds(lambda text=question: embedder.embed([text]))[0] for question in questions]
    return 1000 * percentile(times, 0.5)


def _cold_start(rounds: int) -> float:
    times = []
    for _ in range(rounds):
        start = time.time()
        done = subprocess.run([sys.executable, "-c", COLD_START], capture_output=True, check=True, text=True)
        times.append(float(done.stdout) - start)
    return statistics.median(times)


def _accuracy(embedder: OpenVinoEmbedder, texts: Sequence[str]) -> Figure:
    exact = _in_float32(texts, limit=embedder.max_tokens)
    cosines = (embedder.embed(texts) * exact).sum(axis=1)
    return Figure(
        "least cosine to float32", float(cosines.min()), "", at_least(0.9999), note=f"{len(texts)} texts"
    )


def _in_float32(texts: Sequence[str], *, limit: int) -> Vectors:
    model = build_embedder(embedder_folder(), pooling="mean")
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    tokenizer = load_tokenizer(embedder_folder() / "tokenizer.json")
    tokenizer.enable_truncation(limit)
    rows = [np.array(encoding.ids, np.int32) for encoding in tokenizer.encode_batch_fast(list(texts))]
    return np.concatenate([compiled([pad([row]), pad([np.ones(len(row), np.float32)])])[0] for row in rows])


def _seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Return how long `work` takes by the clock and in processor time, the latter per processor used."""
    processor, clock = time.process_time(), time.perf_counter()
    work()
    return time.perf_counter() - clock, (time.process_time() - processor) / thread_count()


if __name__ == "__main__":
    sys.exit(run("embedding", measure, about=__doc__ or ""))
