"""Reading a program: its files, and which scope binds which name."""
