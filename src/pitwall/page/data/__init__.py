"""What the views show, as plain data that knows no widget.

It takes rows from the topics and the stores, and gives sessions, laps, comparisons and texts. It
may import every room below the page, and no other part of the page.

feed      one reader of the topics for all viewers   session   one live session's columns
recorded  stored laps and channels                   laps      the lap table and verdicts
moment    one snapshot for all viewers               compare   laps on one distance
alarms    limits of channels, drift                  watch     truths and drift, live
registry  versions in MLflow                         status    health of data and services
export    laps as text                               text      numbers and cells as people read them
"""
