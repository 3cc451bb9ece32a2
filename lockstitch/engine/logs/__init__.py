"""The log lines of many apps on many hosts as one stream in the order of time.

    times.py records.py      pure: when a line was written; which lines are one record
    merge.py                 pure: many streams as one
    said.py                  pure: what a host says, taken apart
    shell.py                 the hosts' half
    find.py read.py          EFFECT: where the lines are, and those that are there
    follow.py                EFFECT: those that come

A host answers two questions: where the files are and how long (with the lines at a few places of each, by which the
place to begin is chosen here), then the bytes from there on. Times are read in one place, here: hosts need no more
than sh, coreutils and awk.
"""
