"""The benchmark group `wire`: reading Protobuf messages in bulk."""
