# shellcheck shell=sh
# The first `top` processes in the order of `sort` that match. What asks is left out: its group is that of this script.
# `args` may hold anything, so it is the last. Chosen here, since of a long answer only the end would arrive, and the
# busiest stand first.

command -v ps >/dev/null 2>&1 || { echo "ps is not there: it is in the package procps"; exit 1; }
mine=$(ps -o pgid= -p $$)
LC_ALL=C; export LC_ALL
COLUMNS=10000 ps -ww -eo pgid=,pid=,user:32=,pcpu=,rss=,etimes=,stat=,args= --sort="$sort" \
    | mine="${mine##* }" match="$match" top="$top" most="$most" awk '
        $1 == ENVIRON["mine"] { next }
        {
            command = $0
            for (i = 0; i < 7; i++) sub(/^ *[^ ]+ +/, "", command)
            if (ENVIRON["match"] != $3 && index(command, ENVIRON["match"]) == 0) next
            line = substr($0, 1, length($0) - length(command)) substr(command, 1, 2000)
            size += length(line) + 1
            if (size > ENVIRON["most"] + 0) {
                print "these are more than can be told at once: give a smaller --top, or a part of the command"
                failed = 1; exit
            }
            print line
            if (++count == ENVIRON["top"] + 0) exit
        }
        END { exit failed }'
