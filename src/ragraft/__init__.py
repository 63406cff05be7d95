"""Answers from your own documents: the library, its search and its answers."""
