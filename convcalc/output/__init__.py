"""Results to text: tables, pictures, findings, schemas."""
