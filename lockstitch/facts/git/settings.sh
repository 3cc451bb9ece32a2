# shellcheck shell=sh
# What it sets is read by the texts it is joined to.
# shellcheck disable=SC2034
# safe.directory: several people deploy one app, so the clone may belong to another of them.

export GIT_TERMINAL_PROMPT=0 GIT_OPTIONAL_LOCKS=0 GIT_CONFIG_COUNT=3
export GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
export GIT_CONFIG_KEY_1=core.hooksPath GIT_CONFIG_VALUE_1=/dev/null
# What is looked through are a few small files.
export GIT_CONFIG_KEY_2=grep.threads GIT_CONFIG_VALUE_2=1
# As `git lfs install` writes it into a person's own configuration: a host's user may have none.
if command -v git-lfs >/dev/null 2>&1; then
    export GIT_CONFIG_COUNT=7
    export GIT_CONFIG_KEY_3=filter.lfs.process GIT_CONFIG_VALUE_3='git-lfs filter-process'
    export GIT_CONFIG_KEY_4=filter.lfs.smudge GIT_CONFIG_VALUE_4='git-lfs smudge -- %f'
    export GIT_CONFIG_KEY_5=filter.lfs.clean GIT_CONFIG_VALUE_5='git-lfs clean -- %f'
    export GIT_CONFIG_KEY_6=filter.lfs.required GIT_CONFIG_VALUE_6=true
fi
ls_alive="-o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=2"
export GIT_SSH_COMMAND="${GIT_SSH_COMMAND:-ssh -o BatchMode=yes $ls_alive}"
here() { git --git-dir="$clone" "$@"; }
# A git directory alone: where its work tree is to be, there may be nothing.
of() { ls_git=$1; shift; git --git-dir="$ls_git" --work-tree=. "$@"; }
# By URL and with our own refspec: what the clone's owner configured for remotes is theirs, and says nothing to us.
# Where a server has a part of the history, a fetch without contents would have git start itself again without end.
take() {
    ls_git=$1; shift
    GIT_NO_LAZY_FETCH=1 git --git-dir="$ls_git" --work-tree=. fetch -q --force --no-tags --no-recurse-submodules "$@"
}
# Sets `at` to the revision that is deployed; empty where that is not known.
standing() {
    at=
    if [ "$kind" = in_place ]; then at=$(git --git-dir="$clone" rev-parse -q --verify HEAD)
    # A release that another tool made may lack the file: its own clone tells it, or Capistrano's log.
    elif [ -e "$current/REVISION" ]; then IFS= read -r at <"$current/REVISION"
    elif [ -e "$current/.git" ]; then at=$(git --git-dir="$current/.git" rev-parse -q --verify HEAD)
    else
        at=$(grep -F " deployed as release $(basename "$(readlink "$current")") by " "$path/revisions.log" |
            sed -n 's/.*(at \([0-9a-f]\{40\}\)).*/\1/p' | tail -n 1)
    fi 2>/dev/null || :
}
