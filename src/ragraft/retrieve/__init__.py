"""Search: dense and lexical rankings, fused."""
