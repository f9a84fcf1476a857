"""Maths channels: formulas over channels, which mean the same in oracle, operator and columns.

Takes the text of a formula and the channels that it may name. Gives a `Maths` channel, which
features use as any other channel. May import `channels`, `settings`, `errors`.

- `language`: the functions that a formula may call, with the rule of their units
- `syntax`: the text as a tree of allowed nodes; the error that names line and column
- `units`: how units follow through a formula
- `parts`, `compiler`, `calls`: names, arity, kinds and units checked; a list of steps
- `channel`: the type `Maths`, a channel that a formula computes
- `elementary`: exp, log, sin, cos, atan2 and powers by +, −, × and ÷ alone
- `steps`: what each step computes of numbers, and what it keeps between two ticks
- `ticks`, `columns`: a formula over ticks one by one, and over whole columns
"""
