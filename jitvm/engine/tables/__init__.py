"""What is decided by rows: limits, reasons, statuses, events; and the names that people read."""
