#!/bin/sh
# Have the namespace named by TEMPORAL_NAMESPACE. Finished runs stay visible for the retention period; the ledger must keep
# its blobs at least as long.
set -eu

temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 720h
