# shellcheck shell=sh
# Run the line that migrates. It ends with 75 where another host is at it, which would be 0 and look like done. Only a line
# that is nothing but that command can be given an option at its end. artisan.sh comes before it.

case $line in
    *--isolated* | *[!A-Za-z0-9_./=\ -]*) ;;
    *artisan\ migrate | *artisan\ migrate\ -*)
        ls_has=$(ls_options migrate) || exit 1
        case $ls_has in *" isolated "*) line="$line --isolated=75" ;; esac ;;
esac
[ -z "$group" ] || umask g=rwx
eval "$line"
