"""What each section shows, before any markup."""
