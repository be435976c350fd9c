"""The queue APIs of fal and Pipelet."""
