"""What every process on a machine needs, whatever it does: programs, jars, files, certificates.

This room takes settings and gives command lines, files and processes. It may import only
`settings`, `errors` and `logs`.

processes     child processes that end with their parent, and the record of what runs
ports         whether a port is free, open, or answers HTTP
jars          download and check the locked jars
jar_lock      which jars in which versions, and the command that writes `jars.lock`
java          command lines of Java programs
compile       compile the Java of the jobs
certificates  the stack's own certificate authority
files         files that only their owner may read
space         free space on the disk of the stack
roles         the roles, their tokens, and the table of what each may do
lasting       threads that outlast errors, and say whether they are well
sandbox       a stack beside the user's, for tests and benchmarks
sbom          the bill of materials
"""
