# Where nw_etckeeper_hide runs, git begins each record with what is passed over, whoever begins it (a package does). A
# template that is not there would leave a record without its folders.
GIT_TEMPLATE_DIR=${NW_STATE:-}/git
export GIT_TEMPLATE_DIR
