# shellcheck shell=sh
# Sets the arguments to where pip, uv, npm, yarn, pnpm and composer keep what they have fetched: they fetch it again
# when it is gone.

caches=${XDG_CACHE_HOME:-$HOME/.cache}
set -- "$caches/pip" "$caches/uv" "$caches/yarn" "$caches/pnpm" "$HOME/.npm/_cacache" \
    "$caches/composer" "$HOME/.composer/cache"
