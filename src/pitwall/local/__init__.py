"""The stack on one machine: its servers as ordinary processes, or one of them in a container.

This room takes settings and names of servers; it starts the servers, waits for them and ends them.
It may import every room below it. `operations` and what is below do not know that servers may be
local.

servers/     one file for each server, and the table of all
supervisor   the process that the servers are children of
stack        start servers and wait for them
progress     whether servers that start are getting on
restart      end one server and start it again
state        what runs now, and how it is ended
containers   the same servers as a container's process, and the configuration of compose
"""
