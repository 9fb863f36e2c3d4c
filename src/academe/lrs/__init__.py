"""LRS: what learners did, in actors and activities that are opaque here.

Tables: `activity_day`, partitioned by month of `day`: one row for each actor, context, activity and day.

Invariants: rows are sums of events, so adding events never needs the old ones; a day's row is complete once the day's
events are in.
"""
