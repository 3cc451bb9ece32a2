# shellcheck shell=sh
# Django goes back to a migration of each app by its name: to the last applied one, in its own order, that is not in
# `migrations`, the files that the older revision has not. A label need not be the folder's name, so a name that only one
# app has will do. Afterwards the plan must say that they are gone. `ls_tool` is the tool as the app calls it.

plan() {
    all=$(eval "$ls_tool showmigrations --plan </dev/null") && printf '%s\n' "$all" || return 1
    case $all in *'[X]'* | *'[ ]'*) ;; *) return 1 ;; esac
}
backward() {
    {
        printf '%s\n' "$migrations" | sed -n 's|^\(.*/\)\{0,1\}\([^/]*\)/migrations/\([^/]*\)\.py$|file \2 \3|p'
        printf '%s\n' "$1" | sed -n 's/^\[X\] *\([^. ]*\)\.\([^ ]*\).*/applied \1 \2/p'
    } | awk '
        $1 == "file" { folder[++files] = $2; name[files] = $3 }
        $1 == "applied" { app[++all] = $2; id[all] = $3; is[$2 " " $3] = 1; apps[$3]++; only[$3] = $2 }
        END {
            for (i = 1; i <= files; i++) {
                of = (folder[i] " " name[i]) in is ? folder[i] : apps[name[i]] == 1 ? only[name[i]] : ""
                if (of == "" && apps[name[i]]) { print "which app has " name[i] "?"; exit 1 }
                if (of != "") { gone[of " " name[i]] = 1; to[of] = "zero" }
            }
            for (i = 1; i <= all; i++) if (app[i] in to && !((app[i] " " id[i]) in gone)) to[app[i]] = id[i]
            for (of in to) print of, to[of]
        }'
}
before=$(plan) || { printf '%s\n' "$before" "showmigrations --plan printed no plan"; exit 1; }
ways=$(backward "$before") || { echo "$ways Write migrate_down by hand"; exit 1; }
# shellcheck disable=SC2034 # the text of eval reads them
[ -z "$ways" ] || printf '%s\n' "$ways" | while read -r app name; do
    (eval "$ls_tool migrate --noinput \"\$app\" \"\$name\"") </dev/null || exit 1
done || exit 1
after=$(plan) || { printf '%s\n' "$after" "showmigrations --plan printed no plan"; exit 1; }
left=$(backward "$after") && [ -z "$left" ] || { echo "still applied, though it was taken back: $left"; exit 1; }
