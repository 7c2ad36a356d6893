"""Addresses that messages and reports point to."""

REPOSITORY = "https://github.com/bnlint/bnlint"
ISSUES = f"{REPOSITORY}/issues"


def page(rule_id: str) -> str:
    """Return the address of a rule's page, or of what is written about diagnostics."""
    if rule_id.startswith("BN0"):
        return f"{REPOSITORY}/blob/main/docs/output.md#diagnostics"
    return f"{REPOSITORY}/blob/main/rules/{rule_id}.md"
