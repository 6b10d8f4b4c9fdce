#!/bin/sh
exec python3 -B tools/unittests.py "$@"
