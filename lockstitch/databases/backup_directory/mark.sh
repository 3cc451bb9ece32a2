# shellcheck shell=sh
# What was found against a backup, kept outside its folder as `$marks/NAME`: looking changes nothing there. A mark holds
# the seal it was found for: what could not be restored is not better for being as it was written.

seal_of() { tail -n 1 "$directory/$name/manifest.json" 2>/dev/null | sed -n 's/^],"seal":"\([0-9a-f]\{64\}\)"}$/\1/p'; }
unproven() { grep -qs '"by":"prove","seal":"'"$(seal_of)"'"' "$marks/$name"; }
# What a server says of the rows themselves is left out.
# shellcheck disable=SC1003 # a backslash, not a quote
mark() {
    if [ ! -d "$directory/$name" ] || { [ "$1" = verify ] && unproven; }; then cat >/dev/null; return 0; fi
    why=$(LC_ALL=C grep -v '^ *\(DETAIL\|CONTEXT\|QUERY\|STATEMENT\|LINE\|HINT\|Command was\)' | head -n 3 |
        LC_ALL=C tr -d '\000-\011\013-\037\177"\\' | tr '\n' ';' | sed 's/;$//; s/;/; /g' | cut -c 1-400)
    (umask 077; mkdir -p "$marks" &&
        printf '{"at":"%s","by":"%s","seal":"%s","why":"%s"}\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$1" "$(seal_of)" "$why" \
            >"$marks/.$name" && sync "$marks/.$name" && mv -T "$marks/.$name" "$marks/$name" && sync "$marks") ||
        echo "that could not be recorded in $marks"
}
