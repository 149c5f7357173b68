"""The report in other formats: PDF, LaTeX tables, figures as files. All from the sections that the page shows."""
