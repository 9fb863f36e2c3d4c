"""The rules of xAPI, 1.0.3 and 2.0 (IEEE 9274.1.1-2023), without a database and without HTTP.

A statement here is what a JSON parser made of it: dictionaries, lists, strings, numbers, booleans. `statement.checked`
says whether it is one, `references` what filters and rollups need of it, `identity` who is meant, `comparison` whether
two are the same, `formats` how they are returned, `multipart` and `signature` what travels beside them.

Invariants: every refusal is an `XapiFault` that points at the property; nothing that passed `checked` makes another
function of this package fail; caches hold short texts only, so memory does not depend on what is sent.
"""
