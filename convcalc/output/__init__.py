"""Turns results into text: tables, pictures, findings, JSON schemas."""
