"""Channels: the quantities that a car measures, their names, units and expected ranges.

Takes nothing. Gives the channel table, which the other rooms read, the factors between units, and
what other loggers' names mean. May import `errors` alone.

- `channel`: the type `Channel`, and the id that a channel has on the wire
- `units`: the conversion from other units, in any usual spelling, to a channel's own
- `table`: THE channel table, and how channels of other vehicles stand beside it
- `names`: which channel a column of another logger, app or sim means (`names.yaml`)
"""
