"""Queue APIs of fal and Pipelet."""
