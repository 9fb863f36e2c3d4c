"""The outbox: a fact committed is a fact delivered.

Tables: `outbox_message`, written in the transaction that makes a fact true, and `outbox_receipt`, written in the
transaction in which a receiver does its part. Delivery is at least once and in no promised order; the receipt makes
each receiver's part happen once.
"""
