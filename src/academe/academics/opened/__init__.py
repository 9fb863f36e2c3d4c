"""The record of a person whom the reader has opened in an emergency; row-level security lets exactly that through."""
