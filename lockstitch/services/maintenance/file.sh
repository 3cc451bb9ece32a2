# shellcheck shell=sh
# Maintenance by a file: a web server tests for it, and serves it. docs/maintenance.md has the lines for nginx.

# shellcheck disable=SC2034  # marker.sh looks at it
ls_page=$page
ls_on() { [ -e "$page" ]; }
ls_up() { rm -f "$page"; }
ls_escaped() { printf '%s' "$1" | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g'; }
ls_down() {
    ls_said=${message:-We are at work here, and back soon.}
    mkdir -p "$(dirname "$page")" || return 1
    {
        echo '<!doctype html><html lang="en"><meta charset="utf-8"><title>Maintenance</title>'
        [ -z "$retry" ] || echo "<meta http-equiv=\"refresh\" content=\"$retry\">"
        echo "<p>$(ls_escaped "$ls_said")</p></html>"
    } >"$page.new" && chmod 0644 "$page.new" && mv -f "$page.new" "$page"
}
ls_look() { if ls_on; then echo "on $(stat -c %Y "$page" 2>/dev/null || echo 0)"; fi; }
