# shellcheck shell=sh
# Branches and tags lie below refs/lockstitch/, where only this writes: pruned first, a branch that became a folder of
# branches (or a tag, or the reverse) never stands in its own way. A commit that no branch or tag leads to, as that of a
# pull request, gets a ref: the server has it as well.

bring() {
    take "$1" --prune "$2" '+refs/heads/*:refs/lockstitch/heads/*' '+refs/tags/*:refs/lockstitch/tags/*' || return
    of "$1" cat-file -e "$3^{commit}" 2>/dev/null ||
        { take "$1" "$2" "$3" && of "$1" update-ref "refs/lockstitch/pinned/$3" "$3"; }
}
