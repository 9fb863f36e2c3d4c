"""The organisation tree, seen and changed: nodes are added, renamed, moved, closed, and removed while empty."""
