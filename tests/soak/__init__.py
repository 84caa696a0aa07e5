"""What has to hold for long: run by hand, with short versions in the tests."""
