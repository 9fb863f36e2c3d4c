"""Webhooks: programs of an institution are told of facts, signed as the Standard Webhooks specification says.

A delivery is a row, written in the transaction that holds the receipt of the fact, and sent afterwards by a task of the
queue, one at a time for each endpoint. It is sent at least once: whoever receives one twice knows it by its
`webhook-id`, which stays. What is refused for good, or comes while an endpoint is switched off, waits for somebody to
send it again (docs/decisions/webhooks.md).
"""
