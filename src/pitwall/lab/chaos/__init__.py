"""Faults over a live session, on real servers: what `./pitwall chaos` does.

The same drive is sent once undisturbed and once under each fault, as sessions of their own. The
undisturbed session is the oracle: the rows of every other session must equal its rows bit for bit.
This room takes names of faults and gives an `Outcome` for each. It may import every room but the
command line.

experiment  the whole flow: servers, the undisturbed drive, one drive under each fault
drive       sends a session to Kafka at its own pace, and starts the fault during it
faults      every fault by its name
isolation   namespaces in which faults of network and disk touch no other program
arrivals    the rows that arrived on the topic and in the two stores
outcome     rows lost, wrong or doubled, and the longest silence
"""
