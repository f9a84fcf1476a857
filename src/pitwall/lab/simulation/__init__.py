"""Simulation by seed: the features job in virtual time, under everything that may happen to it.

Takes seeds. Gives the promises that the job broke in the worlds of these seeds, each with the
smallest world that breaks it. The simulation itself is Java (`flink_jobs/simulation`); these
modules may import every room but the command line.

definitions  the features that worlds are simulated with     worker  the Java process
faults       one fault for many worlds that fail alike       oracle  rows beside the oracle's
run          worlds, faults and figures of one run
"""
