"""Trains the reader: MiniLM with three heads - is a passage relevant, does it answer, which span.

    python -m training.reader mine WORK      # hard negatives, once (about 2 minutes)
    python -m training.reader train WORK     # resumes from WORK/checkpoint.pt
    python -m training.reader export WORK --steps 1154 1442    # src/ragraft/models/reader.safetensors

The input is [CLS] question [SEP] passage [SEP], at most 256 tokens. Embeddings and the lowest layer stay
as they are; the others and the heads are trained, on windows of the passages that change in each pass.
Source: Devlin et al. 2019 (spans, with [CLS] as "no span"); Clark & Gardner 2018 (any of several gold
spans will do); Karpukhin et al. 2020 (hard negatives).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from training.reader.delta import export
from training.reader.negatives import mine
from training.reader.rows import load
from training.reader.run import train

from ragraft.models.reader import DELTA


def main() -> None:
    """Be the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=["mine", "train", "export"])
    parser.add_argument("work", type=Path)
    parser.add_argument("--minutes", type=float, help="stop training after so long; a later run goes on")
    parser.add_argument("--steps", type=int, nargs="+", help="export the mean of the weights at these steps")
    parser.add_argument("--out", type=Path, default=DELTA)
    chosen = parser.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    if chosen.step == "mine":
        (chosen.work / "negatives.json").write_text(json.dumps(mine(load("train"))))
    elif chosen.step == "train":
        train(chosen.work, minutes=chosen.minutes)
    else:
        export(chosen.work, chosen.out, steps=chosen.steps)


if __name__ == "__main__":
    main()
