from sqlalchemy import Column, Index, Integer, MetaData, Table

from scripts.check_migrations import named

PERSON = Table("person", MetaData(), Column("id", Integer))


def test_a_difference_is_told_in_words() -> None:
    assert named(("add_table", PERSON)) == "add_table person"
    assert named(("add_column", None, "person", Column("age", Integer))) == "add_column person age"
    assert named(("remove_index", Index("ix_person_id", PERSON.c.id))) == "remove_index ix_person_id"
    assert (
        named([("modify_nullable", None, "person", "id", {"existing_type": Integer()}, True, False)])
        == "modify_nullable person id True False"
    )
