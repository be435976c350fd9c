"""Management of accounts, for the native API and the command line."""
