"""The spool: statements that were acknowledged while the database could not be reached, in files of this machine.

Each server process writes segments of its own (`segments`), brings each group of requests to the disk before it
acknowledges them, and stores what waits, in order, as soon as the database is back (`spool`, `replay`); segments of a
process that is gone are taken over by any other (`folder`). Table: `xapi_set_aside`, the statements that were
acknowledged and turned out not to be storable, because another statement has their id.

Invariants: what was acknowledged is in a segment until it is in the database or set aside; ids are fixed in the
segment, so that storing it twice stores it once; a process stores nothing new while older statements of its own wait.
"""
