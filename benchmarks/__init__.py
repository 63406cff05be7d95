"""What ragraft must show, measured beside a reference in the same run; `python -m benchmarks` runs all."""
