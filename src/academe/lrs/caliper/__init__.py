"""Caliper: events of the other standard for learning records (1EdTech Caliper Analytics 1.2), taken as statements.

Ideas: a sensor sends an envelope with events and descriptions of entities (`checking` refuses what is neither, by the
rules of `events` and the terms of `vocabulary`). Each becomes one xAPI 2.0 statement (`statements`, `agents`), with the
original as it was sent in an extension of its context. So one store, one rollup and one timeline serve both standards,
and nothing that was sent is lost. Everything here is pure: it neither reads nor writes.

Invariants: the same event gives the same statement, so an envelope that is sent again changes nothing; an entity has
one identity, whether a sensor writes it out or names it by its IRI.
"""
