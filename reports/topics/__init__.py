"""Optional topics of a report: a module for each optional list of the record, found by its name."""
