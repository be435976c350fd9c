"""Request and response bodies of the native API, which its OpenAPI document publishes."""
