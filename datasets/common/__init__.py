"""What every part needs of files, folders and texts."""
