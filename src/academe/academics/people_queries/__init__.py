"""Queries of people: students at a node who share something, kept by name so that an announcement can be sent to them.

A query is asked anew each time: whoever fits when an announcement is sent is told.
"""
