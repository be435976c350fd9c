"""The queues of fal and of Pipelet, which share a shape: strict in what they take."""
