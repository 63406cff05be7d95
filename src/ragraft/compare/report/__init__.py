"""What a comparison found, for people: a page that needs nothing else, and the same as text."""
