# shellcheck shell=sh
# What was begun is waited for; then every package must be whole.

left=3000
while [ -e "$log" ] && [ ! -e "$log.code" ] && [ $left -gt 0 ]; do left=$((left - 1)); sleep 0.2; done
rm -f "$log" "$log.code"
said=$(dpkg --audit 2>&1)
[ -z "$said" ] && exit 0
printf '%s\n' "$said" "some packages are not whole: sudo dpkg --configure -a && sudo apt-get -f install"
exit 1
