#!/bin/sh
# Create Temporal's databases where they are missing and bring their schemas up to date. Safe to run again: an existing
# database is kept, and setup-schema leaves a newer version alone. Connection: SQL_* variables.
set -eu

bring_up() {
  temporal-sql-tool --database "$1" create-database
  temporal-sql-tool --database "$1" setup-schema --version 0.0
  temporal-sql-tool --database "$1" update-schema --schema-name "postgresql/v12/$2"
}

bring_up temporal temporal
bring_up temporal_visibility visibility
