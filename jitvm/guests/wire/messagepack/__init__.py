"""MessagePack: values that say of what type they are, to columns of a schema that is declared."""
