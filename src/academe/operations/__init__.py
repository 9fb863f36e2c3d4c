"""Operations: what the people who run Academe do to a whole installation; so far imports of other systems' data.

Ideas: an import first reads and checks all of its source and writes only when nothing is wrong, so a bad file leaves
no trace. It then works in steps; each is one transaction that also records the step, so a killed import leaves whole
steps, and the next run with the same files goes on behind them. Every step may be repeated: rows that stand already
are left alone.

Tables: `import_run`, `import_step`.

Invariants: a step is recorded exactly when its rows are committed; a run is finished exactly when all its steps are
recorded.
"""
