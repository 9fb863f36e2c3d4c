"""Message templates: how an institution words what it tells people, in the languages of its people.

Each kind of message declares the variables that its templates may name, with their types. A template holds nothing but
text, those variables, and conditions on them; it is checked when it is kept and rendered in a sandbox. Every change is
a new version with all languages; none is overwritten. Where an institution has no template, our own words are used.
"""
