"""Retrieval-augmented fine-tuning: rows that teach a model to answer from what our own search finds."""
