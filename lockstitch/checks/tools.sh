# shellcheck shell=sh
# The version of each of `tools`: a program has its own way to tell it, and one that tells none by the first is asked
# by the next. Servers lie where only root looks, and are there all the same.

PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
[ -z "$current" ] || cd "$current" 2>/dev/null || :
for tool in $tools; do
    at=$(command -v "$tool" 2>/dev/null) || { not_found "$tool"; continue; }
    said=
    for word in --version -V version -v; do
        said=$(timeout 5 "$at" "$word" </dev/null 2>&1 |
            awk '{ gsub(/\r/, " "); printf "%s ", $0 } NR == 3 { exit }')
        case $said in *[0-9].[0-9]*) break ;; esac
    done
    echo "tool $tool $said"
done
exit 0
