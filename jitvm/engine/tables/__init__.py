"""The tables: limits, reasons, statuses, events; and names as people read them."""
