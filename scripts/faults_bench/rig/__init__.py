"""What the faults are carried out with: a station, a board, a disk, and the truth to compare with."""
