"""Roles given and ended at a node of the organisation, seen on the page of the node and of the person."""
