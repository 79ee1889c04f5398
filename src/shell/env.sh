# How every script of ours begins: nothing of the login's own settings counts. NW_STATE is where a node keeps what it
# knows of runs; tests set it.
set -u
umask 077
LC_ALL=C
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
: "${NW_STATE:=/var/lib/nodewright}"
