# How every script of ours that is no batch begins: nothing of the login's own settings counts.
set -u
umask 077
LC_ALL=C
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
# shellcheck disable=SC2034
nw_state=${NW_STATE:-/var/lib/nodewright}
