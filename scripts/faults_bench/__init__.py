"""The fault bench: what the README promises about losses, proved by breaking the program and measuring."""
