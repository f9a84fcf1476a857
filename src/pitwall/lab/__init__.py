"""The lab shows and measures the whole: the demo, the benchmarks, faults on real servers.

It may import every room but the command line, and only the command line imports it.

demo/        the main job, end to end
bench/       each figure beside its peer's, measured in the same run
chaos, faults  faults over a live session, compared with the same drive undisturbed
simulation/  the features job in virtual time, under everything at once
browser, screenshots  Chromium, for the page's benchmark and the pictures in the documents
"""
