"""Adapters as the tests need them: rows of made-up models, and tiny models with weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from ragraft.models.files import chat_model_file
from ragraft.systems import Workbench
from ragraft.tune.masking import open_chat_encoder
from ragraft.tune.registry import AdapterRegistry
from ragraft.tune.weights import Floats, Tensor, write_tensors
from ragraft.types import EVERYONE, AccessLabel, Adapter, Source

PASSED = {"quality": {"passed": True, "value": 0.1, "interval": [0.0, 0.2], "bar": 0.0}}


def registry_of(bench: Workbench) -> AdapterRegistry:
    return AdapterRegistry(
        database=bench.database, audit=bench.audit, folder=bench.workspace.state / "adapters"
    )


def draft_folder(bench: Workbench, name: str = "draft") -> Path:
    """Return a folder as a training leaves it."""
    folder = bench.workspace.state / name
    folder.mkdir(parents=True)
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    return folder


def adapter(
    name: str = "house",
    *,
    path: Path = Path(),
    made_from: tuple[Source, ...] = (),
    groups: frozenset[str] = frozenset({EVERYONE}),
    tainted_by: tuple[str, ...] = (),
    gates: Mapping[str, Any] = PASSED,
    forced: bool = False,
    card: Mapping[str, Any] | None = None,
    base: str = "tiny",
) -> Adapter:
    return Adapter(
        name=name,
        path=str(path),
        base_model=base,
        method="lora",
        dataset_fingerprint="f00d",
        label=AccessLabel(groups),
        made_from=made_from,
        tainted_by=tainted_by,
        gates=gates,
        forced=forced,
        made_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
        card=card or {"rank": 8},
    )


def add_adapter(
    bench: Workbench, *documents: str, name: str = "house", groups: frozenset[str] = frozenset({EVERYONE})
) -> Adapter:
    """Make an adapter known that saw the first revision of some documents."""
    registry = registry_of(bench)
    draft = draft_folder(bench, f"draft-{name}")
    made_from = tuple(Source(uri, 1) for uri in documents)
    made = adapter(name, path=draft, made_from=made_from, groups=groups)
    return registry.add(made, read_at=registry.moment(), caller=bench.caller())


def write_weights(
    folder: Path, weights: Mapping[str, Floats], *, kind: str = "F32", file: str = "model"
) -> None:
    """Write weights to a safetensors file."""
    folder.mkdir(parents=True, exist_ok=True)
    like = {name: Tensor(Path(), 0, kind, numbers.shape) for name, numbers in weights.items()}
    write_tensors(folder / f"{file}.safetensors", iter(weights.items()), like)


WIDTH, HEADS, KV_HEADS, DEEP, LAYERS = 64, 4, 2, 96, 2


def write_tiny_llama(folder: Path, *, vocabulary: int, model_type: str = "llama") -> dict[str, Floats]:
    """Write the config and random weights of a two-layer model; return the weights."""
    draw = np.random.default_rng(0)

    def matrix(*shape: int) -> Floats:
        return draw.normal(0, 0.25, shape).astype(np.float32)

    head = WIDTH // HEADS
    weights = {
        "model.embed_tokens.weight": matrix(vocabulary, WIDTH),
        "model.norm.weight": np.ones(WIDTH, np.float32),
    }
    for layer in range(LAYERS):
        of = f"model.layers.{layer}"
        weights |= {
            f"{of}.input_layernorm.weight": np.ones(WIDTH, np.float32),
            f"{of}.post_attention_layernorm.weight": np.ones(WIDTH, np.float32),
            f"{of}.self_attn.q_proj.weight": matrix(WIDTH, WIDTH),
            f"{of}.self_attn.k_proj.weight": matrix(KV_HEADS * head, WIDTH),
            f"{of}.self_attn.v_proj.weight": matrix(KV_HEADS * head, WIDTH),
            f"{of}.self_attn.o_proj.weight": matrix(WIDTH, WIDTH),
            f"{of}.mlp.gate_proj.weight": matrix(DEEP, WIDTH),
            f"{of}.mlp.up_proj.weight": matrix(DEEP, WIDTH),
            f"{of}.mlp.down_proj.weight": matrix(WIDTH, DEEP),
        }
    write_weights(folder, weights)
    config = {
        "model_type": model_type, "architectures": ["LlamaForCausalLM"], "hidden_size": WIDTH,
        "intermediate_size": DEEP, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS, "head_dim": head, "max_position_embeddings": 512, "rms_norm_eps": 1e-5,
        "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}, "vocab_size": vocabulary,
        "tie_word_embeddings": True, "hidden_act": "silu", "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2,
        "torch_dtype": "float32",
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    return weights


def write_tokenizer(folder: Path) -> None:
    """Write the packaged model's tokenizer and chat template into a model's folder."""
    encoder = open_chat_encoder(chat_model_file())
    encoder.tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "chat_template.jinja").write_text(encoder.template)
    special = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "unk_token": "<|endoftext|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(special))


def write_lora(
    folder: Path,
    *,
    rank: int = 4,
    modules: tuple[str, ...] = ("self_attn.q_proj", "mlp.down_proj"),
    **config: Any,
) -> dict[str, Floats]:
    """Write a PEFT folder for the tiny model's last layer; return its tensors."""
    draw = np.random.default_rng(1)
    sizes = {
        "self_attn.q_proj": (WIDTH, WIDTH),
        "self_attn.k_proj": (WIDTH, 32),
        "mlp.down_proj": (DEEP, WIDTH),
    }
    tensors = {}
    for module in modules:
        wide, tall = sizes[module]
        of = f"base_model.model.model.layers.{LAYERS - 1}.{module}"
        tensors[f"{of}.lora_A.weight"] = draw.normal(0, 0.3, (rank, wide)).astype(np.float32)
        tensors[f"{of}.lora_B.weight"] = draw.normal(0, 0.3, (tall, rank)).astype(np.float32)
    write_weights(folder, tensors, file="adapter_model")
    described = {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "r": rank, "lora_alpha": 2 * rank, "bias": "none",
        "target_modules": [module.split(".")[1] for module in modules], "base_model_name_or_path": "/here/base",
        "layers_to_transform": [LAYERS - 1], "layers_pattern": "layers",
    } | config  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(described))
    return tensors
