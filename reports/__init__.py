"""faceparity.reports: how it is told: tables, figures, HTML."""
