"""Forwarding: what senders of an institution send goes on to another learning record store, over its xAPI.

A forward has a filter, credentials and a position in the order of `stored`. The worker reads what is behind the
position, sends it, and moves the position in the transaction that notes what the other store acknowledged. Tables:
`xapi_forward`, what people set up; `xapi_forward_progress`, how far it has got and what went wrong;
`xapi_forward_letter`, statements that the other store will not have; `xapi_forward_minute`, figures.

Invariants: a statement that fits is acknowledged by the other store, or a dead letter, or still ahead of the position:
at least once by the position, and exactly once there because ids travel along. Statements are read anew for every
request, so that whoever was erased is not sent again by an old name. Nobody who sends to us ever waits for it.
"""
