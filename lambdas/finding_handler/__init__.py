"""Steps 2 and 3: from a finding to a remediation or a question."""
