"""What the page shows, before any markup: one room for each tab."""
