"""Tests of lockstitch/transfer and of `fab put` and `fab get`."""
