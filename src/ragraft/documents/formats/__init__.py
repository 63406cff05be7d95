"""One module per family of file formats: bytes in, text with exact offsets out."""
