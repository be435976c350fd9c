"""Management of API keys, for the native API and the command line."""
