# shellcheck shell=sh
# Print whether the app is in maintenance, for `parse_maintenance`. marker.sh comes before it.

ls_look
ls_on || {
    ls_why=$(LC_ALL=C stat -L -- "$ls_page" 2>&1 >/dev/null)
    case $ls_why in
        "" | *'No such file or directory'* | *'Not a directory'*) ;;
        *) echo "unknown $ls_page cannot be looked at: ${ls_why##*: }" ;;
    esac
}
if ls_on && [ -r "$state/maintenance" ] && ls_fits; then echo "marker $(sed -n 1p "$state/maintenance")"; fi
exit 0
