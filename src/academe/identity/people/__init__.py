"""The people of an institution: the directory its staff search, and the page about each of them.

Ideas: `/people` is one list, searched by any part of a name however it is typed, by number and, for administrators, by
e-mail address. The page about a person is made of cards; other modules and sub-concepts bring theirs (`cards`), and
each card decides for itself who sees it.

Invariants: who may know a person sees the names; who keeps records sees the particulars, and leaves an entry in the
audit; who manages accounts sees the account.
"""
