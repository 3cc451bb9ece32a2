# shellcheck shell=sh
# `sealed`: the sum of a manifest's lines on stdin, without its last line, which holds the sum, and without the proof,
# which comes later.

sealed() { grep -v '^"proven":{' | sha256sum | cut -c 1-64; }
