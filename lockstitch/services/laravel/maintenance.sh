# shellcheck shell=sh
# Maintenance by artisan: the mode that lockstitch/services/maintenance/marker.sh needs. `down` writes
# `storage/framework/down` (Illuminate\Foundation\Console\DownCommand). artisan.sh comes before it.

ls_page=$current/storage/framework/down
ls_on() { [ -e "$ls_page" ]; }
# Where the configuration is cached, nothing else counts; else what config/app.php has, and the variable that it asks for.
ls_driver() {
    for ls_config in "$current/bootstrap/cache/config.php" "$current/config/app.php"; do
        ls_found=$(sed -n "/['\"]maintenance['\"] *=>/,/[])]/s/.*['\"]driver['\"] *=> *//p" "$ls_config" 2>/dev/null | head -n 1)
        case $ls_found in
            "") continue ;;
            env*) ls_default=$(printf '%s' "$ls_found" | sed -n 's/^env([^,]*, *//p'); break ;;
            *) ls_word "$ls_found"; return ;;
        esac
    done
    ls_found=${APP_MAINTENANCE_DRIVER:-$(
        sed -n 's/^ *\(export *\)\{0,1\}APP_MAINTENANCE_DRIVER *= *//p' "$current/.env" 2>/dev/null | tail -n 1)}
    ls_word "${ls_found:-${ls_default:-file}}"
}
ls_word() { printf '%s' "$1" | sed "s/^['\"]//; s/['\" ,#)].*//"; }
ls_elsewhere() {
    ls_name=$(ls_driver)
    [ "$ls_name" != file ] || return 1
    echo "$1its maintenance driver is \`$ls_name\` (APP_MAINTENANCE_DRIVER); only \`file\` is known here"
}
ls_up() { (cd "$current" && ls_artisan up); }
ls_down() { (
    ! ls_elsewhere "" || exit 1
    cd "$current" || exit 1
    ls_has=$(ls_options down) || exit 1
    secret=${secret:-${LOCKSTITCH_MAINTENANCE_SECRET:-}}
    set --
    for ls_name in message retry refresh render redirect status except secret; do
        eval "ls_value=\$$ls_name"
        [ -n "$ls_value" ] || continue
        case $ls_has in
            *" $ls_name "*) set -- "$@" "--$ls_name=$ls_value" ;;
            *) echo "artisan down has no --$ls_name in this version: left out" ;;
        esac
    done
    ls_said=$(ls_artisan down "$@" 2>&1); ls_code=$?
    printf '%s\n' "$ls_said"
    # Kept somewhere else, it would not be seen again.
    case $ls_code$ls_said in *already*) ;; 0*) [ -e storage/framework/down ] || ls_artisan up ;; esac
    exit $ls_code
); }
ls_look() {
    ls_on || { ls_elsewhere "unknown "; return 0; }
    echo "on $(stat -L -c %Y "$ls_page" 2>/dev/null || echo 0)"
    ls_said=$(sed -n 's/^ *"\(retry\|refresh\|status\)": *\([0-9][0-9]*\).*/\1 \2/p' "$ls_page" 2>/dev/null | tr '\n' ' ')
    grep -q '"secret": *"' "$ls_page" 2>/dev/null && ls_said="$ls_said(with a secret)"
    [ -z "$ls_said" ] || echo "with ${ls_said% }"
}
