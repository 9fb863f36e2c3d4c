"""What is kept about people, who looked at it, and what the law lets them ask for.

Ideas: a person reads who looked at their record (`record`). The audit itself is `platform.audit`; here are its pages.

Invariants: a person sees entries about their own record and about nobody else's; whoever audits sees those of their
institution; operators see none.
"""
