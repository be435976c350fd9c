"""The queue APIs of fal and Pipelet as upstreams."""
