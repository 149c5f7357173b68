"""The console and the published command, which commands share."""
