"""The rule sets that check template.yaml."""
