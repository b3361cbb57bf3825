"""Words that every layer shares: requests, records, results, errors, content keys, the store."""
