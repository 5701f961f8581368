"""The parts of ``benchmark_sins.py``: cases, judging, repeat scans, published figures, summary."""
