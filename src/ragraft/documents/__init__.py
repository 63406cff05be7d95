"""From a file or address to chunks in the library, and out again."""
