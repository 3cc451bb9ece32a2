# shellcheck shell=sh
# The TCP ports that somebody listens on, in hexadecimal, as the kernel lists them: no program need be there.

[ -r /proc/net/tcp ] || { echo unknown; exit 0; }
echo told
cat /proc/net/tcp /proc/net/tcp6 2>/dev/null |
    awk '$4 == "0A" { n = split($2, at, ":"); if (!seen[at[n]]++) print "port", at[n] }'
