"""The main job, end to end: what `./pitwall demo` runs.

It takes sessions and gives a `Report`. It may import every room but the command line.

chain    the whole flow from top to bottom
report   the figures that `demo --json` prints
watch    counts and latencies, taken from outside while the chain runs
worker   a process with Feast and MLflow loaded, which trains models and measures parity
"""
