"""Chat models, embedders and rerankers, embedded or behind an endpoint."""
