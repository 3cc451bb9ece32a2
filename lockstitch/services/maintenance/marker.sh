# shellcheck shell=sh
# Functions for the marker, a file beside the app's journal that says who put it into maintenance. A mode comes before it:
# `ls_page`, `ls_on`, `ls_down`, `ls_up` and `ls_look`. The marker's second line says which page it is about: one that
# somebody made later is theirs. Where a run was cut off while it made the page, that line is still empty.

ls_which() { stat -L -c '%i %Y' "$ls_page" 2>/dev/null; }
ls_mark() {
    mkdir -p "$state" && printf '%s\n%s\n' "$marker" "$(ls_which)" >"$state/maintenance.new" &&
        mv -f "$state/maintenance.new" "$state/maintenance"
}
ls_fits() {
    ls_was=$(sed -n 2p "$state/maintenance" 2>/dev/null); ls_is=$(ls_which)
    [ -z "$ls_was" ] || { [ "$ls_was" = "$ls_is" ]; return; }
    [ $((${ls_is#* } - $(stat -c %Y "$state/maintenance"))) -le 300 ]
}
# RUN: it was that run which put it into maintenance.
ls_by() {
    case $(sed -n 1p "$state/maintenance" 2>/dev/null) in *"\"run\":\"$1\""*) ls_on && ls_fits ;; *) return 1 ;; esac
}
ls_forget() { rm -f "$state/maintenance" "$state/maintenance.new"; }
