"""Makes the reader that ships: python -m training.reader."""
