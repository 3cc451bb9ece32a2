"""Log lines of many apps on many hosts as one stream, ordered by time.

    timestamps.py records.py   pure: the time of a line; the lines of one record
    merge.py                   pure: many streams as one
    framing.py                 pure: the output of a host, split into words and lines
    host_scripts.py *.sh       the scripts that run on a host
    locate.py read.py          EFFECT: the files and their lines so far
    follow.py                  EFFECT: new lines

A host is asked twice: for its files and their sizes, with lines from a few places of each, from which the place to
begin is chosen here; then for the bytes from there on. Times are parsed here alone: a host needs no more than sh and
coreutils.
"""
