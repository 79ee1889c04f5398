# nw_gfs2 DEVICE TABLE JOURNALS SIZE: that the device is blank was proven just now, or the operator gave up what it carries;
# so `-O` asks no question; `--` would be taken for the end of all words. DRBD itself does not let the device be opened where
# this node is not its primary.
nw_gfs2() { mkfs.gfs2 -O -q -p lock_dlm -t "$2" -j "$3" -J "$4" "$1" </dev/null; }
