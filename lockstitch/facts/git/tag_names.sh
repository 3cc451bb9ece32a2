# shellcheck shell=sh
# Tags by their names, the newest first, of the server and of this clone. More words choose among them.

tag_names() {
    here for-each-ref --sort=-creatordate --format='%(refname)' "$@" refs/lockstitch/tags refs/tags |
        sed -e 's,^refs/lockstitch/tags/,,' -e 's,^refs/tags/,,' | awk '!seen[$0]++'
}
