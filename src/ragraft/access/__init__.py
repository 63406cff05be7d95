"""Who may do what: labels, callers and the audit chain."""
