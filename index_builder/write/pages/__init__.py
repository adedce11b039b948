"""Pages as catalog records: encoded, copied, and with new texts."""
