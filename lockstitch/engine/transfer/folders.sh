# shellcheck shell=sh
# What is at each path of `ls_list`, and whether the login user can write there.

eval "set -- $ls_list"
for ls_path do
    ls_open=no
    if [ -w "$ls_path" ] && [ -x "$ls_path" ]; then ls_open=yes; fi
    if [ -d "$ls_path" ] && [ ! -L "$ls_path" ]; then echo "= folder $ls_open"
    elif [ -d "$ls_path" ]; then echo "= link $ls_open"
    elif [ -e "$ls_path" ] || [ -L "$ls_path" ]; then echo "= other no"
    else echo "= none no"; fi
done
