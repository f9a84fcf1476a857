"""The car: recorded sessions, the built-in simulator that drives them, and their replay to Kafka.

Takes settings, and sessions that `recordings` has read. Gives sessions, and ticks on Kafka. May
import `kafka`, `channels` and below.

- `session`: the type of a session, the channels of one run over time
- `circuit`: the built-in circuit's centre line
- `driving`: the simulated car and driver, and the speed that they reach
- `sensors`: what the simulated car's sensors measure
- `simulator`: whole sessions of the simulated car
- `acceptance`: what the job would refuse, found before it is sent
- `replay`: sends sessions to Kafka as a car does
- `bridges`: live sources beside the car: a CAN bus, and games by UDP
"""
