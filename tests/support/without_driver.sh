#!/usr/bin/env bash
# What a program of a CUDA build does on a machine without a driver. Exits with 77 where there is one.
#
#   without_driver.sh ask_for_device
set -euo pipefail
program=$1

fail() { echo "$*" >&2; exit 1; }

if "$program" cuda >/dev/null 2>&1; then
  echo "this machine has a GPU"
  exit 77
fi
for device in cpu reference; do
  got=$("$program" "$device" 2>&1) || fail "$device: $got"
  [ "$got" = 3.5 ] || fail "$device: expected 3.5 alone, got: $got"
done
for device in cuda cuda:1; do
  status=0
  got=$("$program" "$device" 2>&1) || status=$?
  [ "$status" = 1 ] || fail "$device: expected exit status 1, got $status: $got"
  [ "$(wc -l <<<"$got")" = 1 ] || fail "$device: expected one line, got: $got"
  [[ $got == "device '$device': no GPU can be used: "* ]] || fail "$device: expected the reason, got: $got"
  echo "$got"
done
