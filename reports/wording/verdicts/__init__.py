"""The words of verdicts, of what stands in their way, and of the largest of several differences."""
