"""The job and its values. Pure: no I/O, no clock."""
