"""From recordings to models that run live, with scores that hold for a face never seen in training."""

__version__ = "1.0.0"
