"""Tests of whole commands, in processes of their own."""
