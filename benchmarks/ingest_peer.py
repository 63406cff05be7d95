"""Run by the peer's own Python: index a folder with LlamaIndex as its first page tells one to; prints JSON.

    PEER_PYTHON ingest_peer.py FOLDER MODEL_FOLDER THREADS CHUNK_SIZE

A CHUNK_SIZE of 0 keeps every default: SimpleDirectoryReader, SentenceSplitter (1,024 tokens, overlap 200),
batches of 10, vectors in memory. Any other size is given to the splitter, with an overlap of 20. What is
loaded before the clock starts: the libraries and the model, warmed by one text.
"""

import json
import sys
import time
from importlib.metadata import version

OVERLAP = 20
PACKAGES = ("llama-index-core", "llama-index-embeddings-huggingface", "llama-index-readers-file", "torch")


def main(folder: str, model: str, threads: int, chunk_size: int) -> None:
    """Index the folder once."""
    import torch
    from llama_index.core import SimpleDirectoryReader, VectorStoreIndex
    from llama_index.core.node_parser import SentenceSplitter
    from llama_index.embeddings.huggingface import HuggingFaceEmbedding

    torch.set_num_threads(threads)
    embedder = HuggingFaceEmbedding(model_name=model, device="cpu")
    embedder.get_text_embedding("A first text, so that nothing is loaded while the clock runs.")
    split = (
        {"transformations": [SentenceSplitter(chunk_size=chunk_size, chunk_overlap=OVERLAP)]}
        if chunk_size
        else {}
    )
    began = time.perf_counter()
    documents = SimpleDirectoryReader(folder, recursive=True).load_data()
    index = VectorStoreIndex.from_documents(documents, embed_model=embedder, **split)
    seconds = time.perf_counter() - began
    nodes = list(index.docstore.docs.values())
    found = {
        "seconds": seconds,
        "files": len({document.metadata["file_path"] for document in documents}),
        "chunks": len(nodes),
        "tokens_read": tokens_read(nodes, embedder),
        "versions": {name: version(name) for name in PACKAGES},
    }
    print(json.dumps(found))


def tokens_read(nodes: list, embedder: object) -> int:
    """Return how many tokens of the chunks' text are within the model's window, file names above them not counted."""
    from llama_index.core.schema import MetadataMode

    tokenizer = embedder._model.tokenizer
    window = embedder._model.max_seq_length - 2

    def count(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False, verbose=False))

    total = 0
    for node in nodes:
        text = node.get_content(metadata_mode=MetadataMode.NONE)
        above = count(node.get_content(metadata_mode=MetadataMode.EMBED)) - count(text)
        total += min(count(text), max(0, window - above))
    return total


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
