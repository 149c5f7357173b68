"""One run: its folders, its private part and its reports."""
