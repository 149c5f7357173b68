"""From a folder of pictures and labels to a `Dataset`."""
