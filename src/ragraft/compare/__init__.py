"""Systems side by side on the same questions: what they score, what they cost, and which one to use."""
