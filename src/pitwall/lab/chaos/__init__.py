"""Faults over a live session, on real servers: what `./pitwall chaos` does.

A session is sent once undisturbed. Then it is driven under faults, as a session of another name.
The undisturbed session is the oracle: rows must equal its rows bit for bit, and predictions and
answers must be the model's values for its rows. This room takes names of faults, or a seed, and
gives an `Outcome` for each drive. It may import every room but the command line.

experiment  the whole flow: servers, the undisturbed session, drives under faults
plan        which faults come when: a schedule by seed
faults      every fault by its name, with what begins and what ends it
troubles    causes the faults of a schedule, and watches servers and job
world       the servers, the proxies before them, and how all of it comes back
links       TCP proxies that delay, drop and silence
knobs       a wrong clock and a slow disk for one process, by `shim.c`
isolation   namespaces in which faults of network and disk touch no other program
drive       sends a session to Kafka
model       the champion, of which every row's value is known
arrivals    what arrived on the topics, and what the stores hold
asker       asks the endpoint all the time, and judges each answer
history     what happened, as JSON lines
verdict     what was lost, wrong or doubled, and the longest silences
page        the tables of the documentation
"""
