"""Bridges: live sources beside the simulated car, brought to Kafka in the car's wire format.

Takes a CAN bus or recording with a DBC file, or a UDP port of a racing game. Gives ticks on Kafka,
and counts of all that was left out. May import what `car` may import.

    source ──thread──► Intake (bounded) ──► decoder ──► Gather ──► Delivery ──► Kafka
    loses and finds     drops when full,      ticks      same time,   waits when Kafka is away
    its connection      and counts            or damage  one tick

- `counts`: what a bridge counted, and how it is said
- `ticks`: ticks with their layout, their encoding, and those of one time made one
- `intake`: the thread that reads a source, and its bounded queue
- `delivery`: the producer, which waits for a Kafka that is away
- `run`: the loop from intake to delivery
- `can_frames`, `can_bus`, `can_file`: frames by a DBC file, from a bus, from a recording
- `can_channels`: which channel a signal is, by the names of other loggers
- `can_blf`: python-can's reader of `.blf` files, within bounds
- `udp`, `forza`, `forza_channels`: datagrams, and the packets of the Forza games
- `f1`, `f1_packets`: the packets of the F1 games
"""
