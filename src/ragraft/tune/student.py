"""The model that learns, in two parts: frozen layers below, whose output can be kept, and above them the adapters."""

from __future__ import annotations

import random
import resource
import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ragraft.errors import ModelError
from ragraft.tune.presets import Preset
from ragraft.tune.weights import read_lora_config, tensors_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

__all__ = ["LOGIT_ROWS", "Student", "multiplies_bfloat16"]

LOGIT_ROWS = 1024
"""Tokens whose logits are computed together: 49,152 numbers each."""
SHORT_ROWS = 256
"""Up to this length torch's fused attention is slower on a CPU on the way back than attention written out, at 64 tokens
ten times (own measurement, docs/decisions/training.md); beyond it is quicker, and saves memory."""
KNOWN_WITHIN = 0.02
"""How far the logits of the two parts may lie from those of the whole, relative: bfloat16 rounds to 0.004."""


class Student:
    """The model that learns: a frozen part below, whose output can be kept, and the part above with adapters."""

    def __init__(self, base: Path, preset: Preset, *, seed: int, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        random.seed(seed)
        np.random.seed(seed)  # for libraries that draw from it
        torch.manual_seed(seed)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.fast = multiplies_bfloat16(self.device)
        self.module, self._causal = _open_model(base, preset, device=self.device, fast=self.fast)
        self._decoder = self._causal.get_decoder()
        self._layers = self._decoder.layers
        self.split = 0 if preset.method == "full" else _first_layer(len(self._layers), preset.upper)
        self.width: int = self._causal.config.hidden_size
        self.trained = {name: one for name, one in self.module.named_parameters() if one.requires_grad}
        self._scale = preset.alpha / preset.rank

    def below(self, ids: Tensor) -> Tensor:
        """Return what the frozen layers make of tokens: bfloat16 of shape (rows, length, width)."""
        import torch
        from torch import nn

        self._attend("sdpa")
        with torch.no_grad(), self._only(self._layers[: self.split], norm=nn.Identity()), self._precision():
            states: Tensor = self._decoder(input_ids=ids, use_cache=False).last_hidden_state
            return states.to(torch.bfloat16)

    def above(self, states: Tensor) -> Tensor:
        """Return the model's last states from those of the frozen layers below, or from tokens if there are none."""
        import torch

        short = torch.is_grad_enabled() and states.shape[1] <= SHORT_ROWS
        self._attend("eager" if short else "sdpa")
        # Rows are padded on the right, where a causal model never looks back from: no attention mask is needed.
        if self.split == 0:
            return self._decoder(input_ids=states, use_cache=False).last_hidden_state  # type: ignore[no-any-return]  # untyped library
        with self._only(self._layers[self.split :], norm=self._decoder.norm):
            states = states.to(next(self._decoder.parameters()).dtype)
            return self._decoder(inputs_embeds=states, use_cache=False).last_hidden_state  # type: ignore[no-any-return]  # untyped library

    def loss_seen(self, states: Tensor, ids: Tensor, trained: Tensor) -> float:
        """Return the loss of a batch that nothing is learned from."""
        import torch

        with torch.no_grad():
            return float(self.loss(states, ids, trained))

    def loss(self, states: Tensor, ids: Tensor, trained: Tensor) -> Tensor:
        """Return the sum of the cross-entropy, in nats, over the tokens that are learned.

        Logits are computed for these alone, and beyond 1,024 of them once more on the way back instead of being kept.
        """
        import torch
        from torch.nn.functional import cross_entropy
        from torch.utils.checkpoint import checkpoint

        head = self._causal.get_output_embeddings()

        def of(hidden: Tensor, targets: Tensor) -> Tensor:
            return cross_entropy(head(hidden).float(), targets, reduction="sum")

        with self._precision():
            learned = trained[:, 1:]
            hidden, targets = self.above(states)[:, :-1][learned], ids[:, 1:][learned]
            if len(targets) <= LOGIT_ROWS:
                return of(hidden, targets)
            total = hidden.new_zeros((), dtype=torch.float32)
            for at in range(0, len(targets), LOGIT_ROWS):
                part = slice(at, at + LOGIT_ROWS)
                total = total + checkpoint(of, hidden[part], targets[part], use_reentrant=False)
            return total

    def drift(self, states: Tensor, ids: Tensor, trained: Tensor) -> Tensor:
        """Return the sum of the divergence from the base, in nats, over the tokens that are marked.

        Kullback-Leibler, from what the base expects to what is expected now; the base is the same model without its
        adapters. Source: Hinton et al. 2015, section 2, as Li and Hoiem 2016 use it against forgetting.
        """
        import torch
        from torch.nn.functional import kl_div
        from torch.utils.checkpoint import checkpoint

        head, marked = self._causal.get_output_embeddings(), trained[:, 1:]

        def of(hidden: Tensor, before: Tensor) -> Tensor:
            now, then = head(hidden).float().log_softmax(-1), head(before).float().log_softmax(-1)
            return kl_div(now, then, reduction="sum", log_target=True)

        with self._precision():
            with torch.no_grad(), self.module.disable_adapter():
                before = self.above(states)[:, :-1][marked]
            hidden = self.above(states)[:, :-1][marked]
            total = hidden.new_zeros((), dtype=torch.float32)
            for at in range(0, len(hidden), LOGIT_ROWS // 2):
                part = slice(at, at + LOGIT_ROWS // 2)
                total = total + checkpoint(of, hidden[part], before[part], use_reentrant=False)
            return total

    def answers(self, prompts: Sequence[Sequence[int]], *, tokens: int) -> list[list[int]]:
        """Return the greedy continuations of prompts, each up to the token that ends a turn."""
        import torch

        longest = max(map(len, prompts))
        ids = torch.tensor([[0] * (longest - len(one)) + [*one] for one in prompts], device=self.device)
        seen = torch.tensor(
            [[0] * (longest - len(one)) + [1] * len(one) for one in prompts], device=self.device
        )
        self._attend("sdpa")
        self.module.eval()
        with torch.no_grad(), self._precision():
            made = self.module.generate(
                input_ids=ids,
                attention_mask=seen,
                max_new_tokens=tokens,
                do_sample=False,
                pad_token_id=self._causal.generation_config.pad_token_id or 0,
            )
        self.module.train()
        return made[:, longest:].tolist()  # type: ignore[no-any-return]  # untyped library

    def _precision(self) -> AbstractContextManager[object]:
        """Return the context in which matrices are multiplied in bfloat16, if this processor is fast at it."""
        import torch
        from peft.helpers import disable_input_dtype_casting

        context = ExitStack()
        if self.fast:
            context.enter_context(torch.autocast(self.device.type, torch.bfloat16))
            # PEFT widens every input to the adapters' float32, for autocast to narrow it again.
            context.enter_context(disable_input_dtype_casting(self.module))
        return context

    def require_known(self, ids: Sequence[int]) -> None:
        """Raise ModelError unless the two parts together give the logits of the whole model."""
        import torch

        tokens = torch.tensor([ids], device=self.device)
        with torch.no_grad(), self._precision():
            whole = self.module(input_ids=tokens, use_cache=False).logits.float()
            states = self.below(tokens) if self.split else tokens
            parts = self._causal.get_output_embeddings()(self.above(states)).float()
        if float((whole - parts).norm() / whole.norm()) > KNOWN_WITHIN:
            raise ModelError(
                f"a model of the type {self._causal.config.model_type!r} computes its output in a way not known here",
                hint="models of Llama's build can be trained: Llama, Mistral, Qwen, SmolLM",
            )

    def save(self, folder: Path, *, base: Path) -> None:
        """Write the adapter as PEFT does, or the whole model with what its tokenizer needs."""
        if self.module is self._causal:
            self.module.save_pretrained(folder)
            for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
                if (base / name).exists():
                    shutil.copyfile(base / name, folder / name)
            return
        # Otherwise PEFT asks a hub whether the base has a larger vocabulary there.
        self.module.save_pretrained(folder, save_embedding_layers=False)
        (folder / "README.md").unlink(missing_ok=True)  # an empty form

    def peak_memory(self) -> int:
        """Return the most bytes used so far: by the process, or on a GPU of its memory."""
        import torch

        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    def weights(self) -> dict[str, Tensor]:
        """Return what is trained, by name; it goes on changing."""
        return {name: one.detach() for name, one in self.trained.items()}

    def put(self, weights: dict[str, Tensor]) -> None:
        """Set what is trained to what `weights` returned once."""
        import torch

        with torch.no_grad():
            for name, one in self.trained.items():
                one.copy_(weights[name])

    def begin_with(self, adapter: Path) -> None:
        """Set the adapters to what a PEFT folder of the same base holds; those of other layers stay as they are.

        Raises: ModelError if it is no plain LoRA, of a higher rank, or changes what is not trained here.
        """
        import torch

        config = read_lora_config(adapter)
        if config is None or config.unusual():
            raise ModelError(f"{adapter} is no plain LoRA adapter", hint="train it with --method lora")
        own = {name.replace(".default.", "."): one for name, one in self.trained.items()}
        with torch.no_grad():
            for name, tensor in tensors_of(adapter).items():
                # Of a rank higher than given, the rest of the first matrix meets zeros in the second.
                first = ".lora_A." in name
                whole = own.get(name, torch.empty(0, 0))
                part = whole[: config.r] if first else whole[:, : config.r]
                if tuple(part.shape) != tensor.shape:
                    raise ModelError(
                        f"learning cannot go on from {adapter}: {name} is not trained here, or in another shape",
                        hint="it was made for another base, or with more layers or a higher rank",
                    )
                if not first:
                    whole.zero_()
                part.copy_(torch.from_numpy(tensor.read()) * (1.0 if first else config.scale / self._scale))

    def _attend(self, how: str) -> None:
        if self.device.type == "cpu" and self._causal.config._attn_implementation != how:
            self._causal.set_attn_implementation(how)

    @contextmanager
    def _only(self, layers: nn.ModuleList, *, norm: nn.Module) -> Iterator[None]:
        kept = self._decoder.norm
        self._decoder.layers, self._decoder.norm = layers, norm
        try:
            yield
        finally:
            self._decoder.layers, self._decoder.norm = self._layers, kept


def _open_model(base: Path, preset: Preset, *, device: torch.device, fast: bool) -> tuple[Any, Any]:
    """Return the model to train and the causal model within it, which is the same if all weights are trained.

    Frozen weights are bfloat16 (4-bit NormalFloat for qlora), trained ones float32.
    """
    import torch
    from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # untyped library
    # Dettmers et al. 2023, section 3.
    four_bit = BitsAndBytesConfig(  # type: ignore[no-untyped-call]  # untyped library
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    try:
        model = AutoModelForCausalLM.from_pretrained(
            base,
            dtype=torch.bfloat16 if fast and preset.method != "full" else torch.float32,
            quantization_config=four_bit if preset.method == "qlora" else None,
            device_map={"": device},
            local_files_only=True,
            use_safetensors=True,
        )
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"the model {base} cannot be opened for training: {error}") from error
    if preset.checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    if preset.method == "full":
        return model.train(), model
    if preset.method == "qlora":
        model = prepare_model_for_kbit_training(  # type: ignore[no-untyped-call]  # untyped library
            model, use_gradient_checkpointing=preset.checkpointing
        )
    layers = model.config.num_hidden_layers
    first = _first_layer(layers, preset.upper)
    config = LoraConfig(
        r=preset.rank,
        lora_alpha=preset.alpha,
        lora_dropout=preset.dropout,
        target_modules=list(preset.modules),
        layers_to_transform=list(range(first, layers)) if first else None,
        layers_pattern="layers" if first else None,
        task_type="CAUSAL_LM",
    )
    try:
        return get_peft_model(model, config).train(), model
    except ValueError as error:
        raise ModelError(f"the model {base} cannot be given adapters: {error}") from error


def _first_layer(layers: int, upper: float) -> int:
    return layers - max(1, round(layers * upper))


def multiplies_bfloat16(device: torch.device) -> bool:
    """Return whether bfloat16 is faster than float32 here; on other processors it would be imitated, slowly."""
    import torch

    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
