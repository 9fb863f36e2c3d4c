"""Senders: the programs that may talk to the LRS, what they may do, and in whose name their statements stand."""
