"""The rollup that follows the statements: `activity_day`, brought up to date within seconds and exactly once.

A follower reads statements in the order of `stored`, which is that of their commits, and adds them up in the
transaction that moves its position: whatever is killed, nothing is missed and nothing counted twice. Who an agent is
and what an activity belongs to is asked of the modules above (`links`); without an answer, the keys themselves stand in
the rollup.
"""
