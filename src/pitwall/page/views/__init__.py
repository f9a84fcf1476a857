"""The views, one module each, with the modules of their cards beside them.

They take data of `page.data` and draw it with `page.web`. `page.run` gives each its route.

live      the car now: strips, map, laps, alarms, reference    analysis  laps beside each other
models    versions, live errors, inputs and parity             services  every service with its link
"""
