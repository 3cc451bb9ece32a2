# shellcheck shell=sh
# Set the value; it is read back afterwards. ask.sh comes before it.
# shellcheck disable=SC2154

[ -z "$flag_unset" ] || { echo "a flag in Unleash cannot be taken away here: archive it there"; return 1; }
ls_said=$(ls_unleash "$flag_to") || { echo "${ls_said#unreadable }"; return 1; }
