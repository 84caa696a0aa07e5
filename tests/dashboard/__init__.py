"""Tests of the dashboard: the server's checks, data of real runs, the page in a browser."""
