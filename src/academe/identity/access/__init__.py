"""Who may what where: the organisation tree, the roles held in it, and everything that gives or explains access.

Ideas: a role is held at a node for a time and flows down (`tree`, `grants`).

Tables: those of `academe.identity.models`.
"""
