-- One database of PostgreSQL for everything: users and audit in its schema "public", the index and the memories in these.
CREATE SCHEMA IF NOT EXISTS elmemory_index;
CREATE SCHEMA IF NOT EXISTS elmemory_memory;
