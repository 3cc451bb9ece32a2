# shellcheck shell=sh
# The functions of git/modules.sh read it.
# shellcheck disable=SC2034

set -eu
back=
if [ ! -d "$clone" ]; then
    mkdir -p "$path"
    if [ "$kind" = in_place ]; then git init -q "$path"; else git init -q --bare "$clone"; fi
    here remote add origin "$repository"
fi

# People, and `git describe` in a build, look for tags in refs/tags: those of the server are put there beside the
# clone's own, and follow the server unless somebody moved them here. None is removed, no tag made here is touched.
format='%(objectname) %(refname)'
shown=$(git --git-dir="$clone" for-each-ref --format="was $format" refs/lockstitch/tags)
bring "$clone" "$repository" "$revision"
is=$(git --git-dir="$clone" for-each-ref --format="is $format" refs/lockstitch/tags refs/tags) || is=
changes=
[ -z "$is" ] || changes=$(printf '%s\n%s\n' "$shown" "$is" | awk '
    { theirs = sub("^refs/lockstitch/tags/", "", $3); if (!theirs) sub("^refs/tags/", "", $3) }
    $1 == "was" { was[$3] = $2 }
    $1 == "is" && theirs { now[$3] = $2 }
    $1 == "is" && !theirs { at[$3] = $2; for (up = $3; sub("/[^/]*$", "", up);) folder[up] = 1 }
    END {
        for (tag in now) {
            if (tag in at && at[tag] == was[tag] && at[tag] != now[tag])
                print "update refs/tags/" tag, now[tag], at[tag]
            free = !(tag in at || tag in folder)
            for (up = tag; sub("/[^/]*$", "", up);) if (up in at) free = 0
            if (free) print "create refs/tags/" tag, now[tag]
        }
    }') || changes=
[ -z "$changes" ] || printf '%s\n' "$changes" | here update-ref --stdin || :

case $without in *lfs*) ;; *) lfs "$clone" "$revision" "$repository" ;; esac
each() { lfs "$1" "$2" "$4"; }
case $without in *modules*) ;; *) modules "$clone" "$revision" "$repository" '' ;; esac
