"""The worklist: students ordered by need, as of a day, for those who have more students than hours.

`queries` finds them, `view` is what a page of it shows, `routes` and `pages` are the adapters.
"""
