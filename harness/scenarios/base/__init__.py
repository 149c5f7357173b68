"""What all scenarios share: how they are declared, and their verdicts."""
