"""LRS: what learners did, as statements of xAPI and as sums by the day; actors and activities are opaque here.

`xapi` has the rules of the standard, `http` its resources below `/xapi`, `statements` the store, `documents` states and
profiles, `senders` the programs that may talk to it, `caliper` what sensors of the other standard send, `spool` what
waits for a database that is away, `forwarding` what goes on to other stores, `rollup` the sums. Tables: `xapi_*`, and
`activity_day`, partitioned by month of `day`: one row for each actor, context, activity and day.

Invariants: what was acknowledged is stored, once; statements never change but by the erasure of a person; rows of
`activity_day` are sums of events, so adding events never needs the old ones.
"""
