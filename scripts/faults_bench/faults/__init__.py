"""One module for each kind of fault; each gives `FAULTS`, names to functions of (seed, long)."""
