"""The real functions against moto and an HTTP upstream, with injected faults."""
