"""Files: bytes that are named by their content.

Ideas: a file has no name of its own. It is found by its digest, the SHA-256 of its bytes in hexadecimal, so the same
bytes are kept once, however often they are sent; who refers to them, what they are called and who may see them is in
the tables of the modules that keep the digest. `store` is the port, `folder` keeps the files in a folder, and `choice`
is the one place that chooses between ways to keep them.

Invariants: a file is there whole or not at all; once `put` has returned, it outlives a loss of power. So whoever keeps
a digest in a row puts the file first and writes the row afterwards: at worst there is a file that no row names, never
a row without its file.
"""
