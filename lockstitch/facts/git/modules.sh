# shellcheck shell=sh
# `modules GIT_DIR REVISION URL PREFIX` brings every submodule that a revision pins, and theirs, and calls
# `each GIT_DIR COMMIT PATH URL PREFIX` for one after the other. It is a subshell: its variables are its own.
# A path that .gitmodules names and the revision does not pin is no submodule of it; one with `update = none` is left
# out, as git itself does. Names and protocols are checked as git checks them: whoever may push writes .gitmodules.
# With `back`, one that cannot be had is left out.

modules() (
    there=$(of "$1" ls-tree "$2" -- .gitmodules) || exit 1
    [ -n "$there" ] || exit 0
    case $repository in file://*) ;; *:*) export GIT_PROTOCOL_FROM_USER=0 ;; esac
    said() { of "$1" config --blob "$2:.gitmodules" --get "$3"; }
    all='^submodule\..*\.path$'
    names=$(of "$1" config --blob "$2:.gitmodules" --name-only --get-regexp "$all") || [ $? -eq 1 ] || exit 1
    printf '%s\n' "$names" | while IFS= read -r name; do
        name=${name#submodule.}; name=${name%.path}; [ -n "$name" ] || continue
        sub=$(said "$1" "$2" "submodule.$name.path") || exit 1
        sub=${sub%/}
        commit=$(of "$1" ls-tree "$2" -- "$sub") || exit 1
        case $commit in "160000 commit "*) commit=${commit#160000 commit }; commit=${commit%%[!0-9a-f]*} ;;
        *) continue ;; esac
        [ "$(said "$1" "$2" "submodule.$name.update")" != none ] || continue
        case /$name/ in */../*) echo "the submodule $4$sub has a name that leads elsewhere: $name"; exit 1 ;; esac
        url=$(said "$1" "$2" "submodule.$name.url") ||
            { echo "$4$sub is a submodule without a url in .gitmodules"; exit 1; }
        case $url in ./*|../*)
            base=${3%/}; between=/
            while :; do case $url in
                ./*) url=${url#./} ;;
                ../*) url=${url#../}
                    case $base in */*) base=${base%/*} ;; *:*) base=${base%:*}; between=: ;; *) base=. ;; esac ;;
                *) break ;;
            esac; done
            url=$base$between$url ;;
        esac
        at=$1/modules/$name
        # A checkout that git older than 1.7.8 made, or a clone put there by hand, has it in the submodule's folder.
        [ "$kind" != in_place ] || [ ! -d "$path/$4$sub/.git" ] || at=$path/$4$sub/.git
        if [ ! -e "$at/HEAD" ]; then
            git init -q --bare "$at" && of "$at" config core.bare false || exit 1
            of "$at" remote add origin "$url" || exit 1
        fi
        # For people, and for git's own commands: it is brought by this very URL, whatever stood there before.
        is() { [ "$(of "$1" config "$2")" = "$3" ] || of "$1" config --replace-all "$2" "$3"; }
        is "$at" remote.origin.url "$url" && is "$1" "submodule.$name.url" "$url" || exit 1
        if ! of "$at" cat-file -e "$commit^{commit}" 2>/dev/null; then
            bring "$at" "$url" "$commit" </dev/null && of "$at" cat-file -e "$commit^{commit}" ||
                { [ -z "$back" ] || continue
                  echo "the submodule $4$sub at $commit could not be had from $url"; exit 1; }
            # No branch may lead to it one day.
            of "$at" update-ref "refs/lockstitch/pinned/$commit" "$commit" || exit 1
        fi
        each "$at" "$commit" "$4$sub" "$url" "$4" </dev/null || exit 1
        modules "$at" "$commit" "$url" "$4$sub/" </dev/null || exit 1
    done
)
