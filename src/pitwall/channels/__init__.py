"""Channels: the quantities that a car measures, their names, units and expected ranges.

Takes nothing. Gives the channel table, which the other rooms read, and the factors between units.
May import `errors` alone.

- `channel`: the type `Channel`, and the id that a channel has on the wire
- `units`: the factors from other units to a channel's own
- `table`: THE channel table of the PERRINN 424, and how channels of other vehicles stand beside it
"""
