"""Where work is done: processes of this machine, a GPU, a cluster."""
