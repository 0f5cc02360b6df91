"""The base for files: opening, writing and listing them safely, even in prepared folders."""
