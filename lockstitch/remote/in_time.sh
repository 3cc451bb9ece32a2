# shellcheck shell=sh
# Ends a script that begins too late: where `~/.bashrc` slept for too long, the controller has said that nothing was
# done, so nothing is. `ls_patience` is in hundredths of a second; `$$` is as old as the login.
#
# shellcheck disable=SC2086

if read -r ls_up ls_line </proc/uptime && read -r ls_line <"/proc/$$/stat"; then
    set -- ${ls_line##*) }; [ $((${ls_up%.*}${ls_up#*.} - ${20})) -lt "$ls_patience" ] || exit 1
fi 2>/dev/null
