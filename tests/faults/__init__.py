"""The real functions against a double of AWS and an upstream, with everything going wrong."""
