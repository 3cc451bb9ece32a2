# shellcheck shell=sh
# `not_found TOOL` prints `missing TOOL`, once the PATH that was searched, and where the tool lies all the same: version
# managers, and packages that rely on login profiles, put programs where no PATH leads by itself.

not_found() {
    echo "missing $1"
    [ -n "${ls_searched-}" ] || { ls_searched=$PATH; echo "searched $PATH"; }
    for ls_at in "$HOME"/.nvm/versions/node/*/bin "$HOME"/.local/share/fnm/node-versions/*/installation/bin \
        "$HOME"/.volta/bin "$HOME"/.asdf/shims "$HOME"/.local/share/mise/shims "$HOME"/.pyenv/shims \
        "$HOME"/.rbenv/shims "$HOME"/.rvm/bin "$HOME"/.local/bin "$HOME"/bin "$HOME"/.npm-global/bin \
        "$HOME"/.yarn/bin "$HOME"/.bun/bin "$HOME"/.local/share/pnpm "$HOME"/.cargo/bin \
        "$HOME"/.config/composer/vendor/bin "$HOME"/.composer/vendor/bin /usr/local/bin /usr/local/sbin /usr/sbin \
        /sbin /snap/bin /opt/*/bin /usr/lib/postgresql/*/bin; do
        [ ! -x "$ls_at/$1" ] || echo "lies $1 $ls_at"
    done
}
