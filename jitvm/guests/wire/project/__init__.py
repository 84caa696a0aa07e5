"""Messages to messages: fields kept and dropped, without columns; and what messages mean."""
