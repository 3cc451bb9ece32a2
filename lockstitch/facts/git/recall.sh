# shellcheck shell=sh
# For going back: only what this host's own clone knows, so that it works with the git server down. What the server last
# said of a tag comes before a tag of that name in refs/tags.

[ -d "$clone" ] || { echo "problem there is no clone on this host"; exit 0; }
standing
export GIT_DIR="$clone"
tag_names 2>/dev/null | head -n 20 | sed 's/^/tag /'
[ -n "$ref" ] || exit 0
revision=
for ours in "refs/lockstitch/tags/${ref#refs/tags/}" "refs/lockstitch/${ref#refs/}" "$ref"; do
    [ -n "$revision" ] || revision=$(git rev-parse -q --verify "$ours^{commit}" 2>/dev/null)
done
[ -n "$revision" ] || { echo "problem it is not in this host's clone"; exit 0; }
echo "revision $revision"
# Whether what stands here has all of it: only then is it a way back.
if [ "$at" != "$revision" ]; then
    if [ -z "$at" ]; then code=2; else git merge-base --is-ancestor "$revision" "$at" 2>/dev/null; code=$?; fi
    case $code in
        0) ;;
        1) word=diverged
            if git merge-base --is-ancestor "$at" "$revision"; then word=forward; fi
            # What was kept when it went has served here: no server has it, and it is a way back.
            git rev-parse -q --verify "refs/lockstitch/kept/$revision" >/dev/null || echo "ahead $word" ;;
        *) echo "ahead unknown" ;;
    esac
fi
show_in_the_way "$(cd "$clone" && pwd -P)" "$revision"
! loses "$at" "$revision" ||
    published "$at" refs/lockstitch/heads refs/lockstitch/tags refs/lockstitch/pinned refs/remotes refs/tags ||
    echo unpublished
show_log "$at" "$revision"
show_migrations "$revision" "$at"
show_modules "$at" "$revision"
exit 0
