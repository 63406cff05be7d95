"""A tuned model for other programs: a PEFT folder, a merged Hugging Face folder, or a GGUF file.

PEFT is for vLLM and transformers, beside the base. The merged forms are whole models: Hugging Face's for
everything that opens such folders, GGUF for llama.cpp, Ollama and OpenVINO GenAI. None of it needs torch.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ragraft.errors import ModelError, NotAllowedError
from ragraft.models.files import fingerprint
from ragraft.tune.card import write_card
from ragraft.tune.checkpoints import put_in_place
from ragraft.tune.folders import fresh_folder
from ragraft.tune.gguf_file import GgufType, write_gguf
from ragraft.tune.masking import open_chat_encoder
from ragraft.tune.weights import (
    ADAPTER_CONFIG,
    LoraConfig,
    merged_weights,
    read_lora_config,
    tensors_of,
    write_tensors,
)
from ragraft.types import Adapter, Message

__all__ = [
    "SERVED",
    "ExportFormat",
    "Exported",
    "base_name",
    "export_adapter",
    "modelfile",
    "served_file",
    "vllm_faults",
    "vllm_rank",
    "write_served",
]

ExportFormat = Literal["peft", "hf", "gguf"]

SERVED = "served.gguf"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
BESIDE_WEIGHTS = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
)

VLLM_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""What vLLM takes for --max-lora-rank. Source: MaxLoRARanks in vllm/config/lora.py, version 0.27."""

VLLM_MODULES = frozenset(["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"])
"""The modules of the Llama and Qwen families that vLLM applies LoRA to."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written. `files` are their sizes in bytes; `limits` say where it cannot be used, and why."""

    path: Path
    format: ExportFormat
    files: dict[str, int]
    limits: tuple[str, ...]


def export_adapter(
    adapter: Adapter,
    *,
    to: Path,
    form: ExportFormat,
    kind: GgufType = "f16",
    base: Path | None = None,
) -> Exported:
    """Write a tuned model and its card to the new folder `to`, whole or not at all.

    `base` is the Hugging Face folder of the base, which merging needs; `kind` is how a GGUF stores its
    matrices.

    Raises: NotAllowedError if the adapter is tainted; ModelError if it cannot be written in that form; UserError
    if `to` is not free.
    """
    if adapter.tainted_by:
        raise NotAllowedError(
            f"{adapter.name} may not leave: what it was made from no longer stands: {', '.join(adapter.tainted_by)}",
            hint="train it again without that",
        )
    source = Path(adapter.path)
    config = read_lora_config(source)
    whole = base if config is not None else source
    if form == "peft" and config is None:
        raise ModelError(
            f"{adapter.name} was trained whole, so there is no PEFT folder of it",
            hint="use --format hf or gguf",
        )
    with fresh_folder(to) as folder:
        limits: tuple[str, ...] = ()
        if config is not None and form == "peft":
            _write_peft(folder, source, base_model=adapter.base_model)
            limits = tuple(f"vLLM cannot load it: {fault}" for fault in vllm_faults(config))
        elif whole is None:
            raise ModelError("merging needs the base model's folder, and none is known")
        elif form == "hf":
            _write_merged(folder, whole, source)
        else:
            file = f"{adapter.name}.{kind}.gguf"
            write_gguf(folder / file, base=whole, adapter=source, kind=kind, name=adapter.name)
            text = modelfile(file, whole)
            (folder / "Modelfile").write_text(text, encoding="utf-8")
        write_card(folder, adapter)
        files = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
    return Exported(to, form, files, limits)


def write_served(folder: Path, *, base: Path, name: str) -> None:
    """Write the file that answers are given with into a trained folder, before it is made known.

    As f16: q8_0 is half as large, but strays five times as far from the trainer's model (docs/concepts/adapters.md).
    """
    draft = folder / f".{SERVED}"
    write_gguf(draft, base=base, adapter=folder, kind="f16", name=name)
    put_in_place(draft, folder / SERVED)


def served_file(adapter: Adapter) -> Path:
    """Return the file that answers are given with. Raises: ModelError if it is not there."""
    path = Path(adapter.path) / SERVED
    if not path.is_file():
        raise ModelError(
            f"the weights of {adapter.name} are not in {path.parent}", hint="restore them, or train again"
        )
    return path


def base_name(path: Path, *, name: str = "") -> str:
    """Return what a base model is called in `Adapter.base_model`: its name and a fingerprint of its weights.

    `path` is a GGUF file or a Hugging Face folder; `name` defaults to the file's. Raises: ModelError if it cannot
    be read.
    """
    files = [path] if path.is_file() else [path / "config.json", *sorted(path.glob("*.safetensors"))]
    return f"{name or path.stem}@{fingerprint(files)}"


def vllm_faults(config: LoraConfig) -> list[str]:
    """Return why vLLM would refuse an adapter; none if it loads it.

    Source: PEFTHelper.validate_legal in vllm/lora/peft_helper.py and the packed modules of its Llama model.
    """
    faults = []
    if config.r > VLLM_RANKS[-1]:
        faults.append(f"its rank is {config.r}, and {VLLM_RANKS[-1]} is the most")
    if config.bias != "none":
        faults.append(f"it trains biases (bias = {config.bias})")
    if config.modules_to_save:
        faults.append(f"it replaces whole modules ({', '.join(config.modules_to_save)})")
    if config.use_dora:
        faults.append("it uses DoRA")
    modules = config.target_modules
    if isinstance(modules, str):
        faults.append("its modules are given as a pattern; name them one by one")
    elif others := sorted(set(modules or ()) - VLLM_MODULES):
        faults.append(f"it changes modules that vLLM does not apply LoRA to ({', '.join(others)})")
    return faults


def vllm_rank(config: LoraConfig) -> int | None:
    """Return the --max-lora-rank that vLLM must be started with; None if no allowed one is enough."""
    return next((rank for rank in VLLM_RANKS if rank >= config.r), None)


def modelfile(file: str, base: Path) -> str:
    """Return what `ollama create NAME -f Modelfile` reads.

    A ChatML template is written out with its default system text. Of any other, Ollama takes the one in the
    GGUF file, if it knows it.
    """
    encoder = open_chat_encoder(base)
    asked = [Message("system", "S"), Message("user", "U")]
    lines = [f"FROM ./{file}", "PARAMETER temperature 0"]
    if encoder.window:
        lines.append(f"PARAMETER num_ctx {encoder.window}")
    if encoder.render(asked, prompt=True) == _chatml("system", "S") + _chatml("user", "U") + _CHATML_TURN:
        turn = _chatml("{{ .Role }}", "{{ .Content }}")
        lines.append(f'TEMPLATE """{{{{ range .Messages }}}}{turn}{{{{ end }}}}{_CHATML_TURN}"""')
        lines.append('PARAMETER stop "<|im_end|>"')
        alone = encoder.render(asked[1:], prompt=True)
        if default := re.match(
            r"<\|im_start\|>system\n(.*?)<\|im_end\|>\n<\|im_start\|>user", alone, re.DOTALL
        ):
            lines.append(f'SYSTEM """{default[1]}"""')
    return "\n".join(lines) + "\n"


_CHATML_TURN = "<|im_start|>assistant\n"


def _chatml(role: str, content: str) -> str:
    return f"<|im_start|>{role}\n{content}<|im_end|>\n"


def _write_peft(folder: Path, source: Path, *, base_model: str) -> None:
    """Copy an adapter; its base is named, for a path of this machine helps nobody elsewhere."""
    shutil.copyfile(source / ADAPTER_WEIGHTS, folder / ADAPTER_WEIGHTS)
    config = json.loads((source / ADAPTER_CONFIG).read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = base_model
    (folder / ADAPTER_CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _write_merged(folder: Path, base: Path, source: Path) -> None:
    """Write a whole model in the base's types, with its tokenizer and settings."""
    weights = tensors_of(base)
    write_tensors(folder / "model.safetensors", merged_weights(weights, source), weights)
    for name in BESIDE_WEIGHTS:
        if (base / name).exists():
            shutil.copyfile(base / name, folder / name)
