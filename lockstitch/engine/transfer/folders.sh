# shellcheck shell=sh
# What is at each path of `ls_list`, and whether the login user can write there.

eval "set -- $ls_list"
for ls_one do
    ls_open=no
    if [ -w "$ls_one" ] && [ -x "$ls_one" ]; then ls_open=yes; fi
    if [ -d "$ls_one" ] && [ ! -L "$ls_one" ]; then echo "= folder $ls_open"
    elif [ -d "$ls_one" ]; then echo "= link $ls_open"
    elif [ -e "$ls_one" ] || [ -L "$ls_one" ]; then echo "= other no"
    else echo "= none no"; fi
done
