"""Fine-tuning: examples in, a gated adapter out."""
