"""The tab of bias: probes, mitigation, audits of the data."""
