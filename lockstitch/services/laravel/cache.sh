# shellcheck shell=sh
# Build the cache `what`. artisan.sh comes before it.
#
# `view:cache` begins by removing what is compiled, and the release that serves has compiled into the same shared folder.
# So releases have one each, which `config:cache` writes into the configuration it keeps (config/view.php of Laravel).

cd "$release" || exit 1
if [ -n "$apart" ] && ! grep -q '^VIEW_COMPILED_PATH=' .env 2>/dev/null; then
    VIEW_COMPILED_PATH=${VIEW_COMPILED_PATH:-$(pwd -P)/bootstrap/cache/views}; export VIEW_COMPILED_PATH
fi
if [ -n "$ask" ]; then
    ls_knows "$what:cache"
    case $? in 0) ;; 1) echo "this version has no $what:cache: left out"; exit 0 ;; *) exit 1 ;; esac
fi
ls_sure "cached successfully|have any routes" "$what:cache"
