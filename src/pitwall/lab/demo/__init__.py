"""The main job, end to end: what `./pitwall demo` runs.

It takes sessions and gives a `Report`. It may import every room but the command line.

chain    the whole flow from top to bottom
report   what `demo --json` gives
watch    counts and latencies, taken from outside while the chain runs
worker   the process with Feast and MLflow loaded: trains, and compares for parity
"""
