"""The lab shows and measures the whole: the demo, the benchmarks, and faults on real servers.

It may import every room but the command line, and only the command line imports it.

demo         the main job, end to end
bench        benchmarks: each figure beside its peer's, measured in the same run
chaos        faults over a live session, compared with the same drive undisturbed
simulation   the features job in virtual time, under everything at once
champion     registers the model that an experiment makes for itself
browser      opens the page in Chromium, for the page's benchmark and the pictures
screenshots  the pictures of the page in the documents
programs     starts modules of the package as child processes
progress     progress of a long piece of work, and waiting with a time limit
"""
