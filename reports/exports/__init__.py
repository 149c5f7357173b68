"""The report in other shapes: PDF, LaTeX tables, figures as files. All from the sections that the page shows."""
