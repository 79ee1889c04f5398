# The manifest, what we manage on this node: lines of ADDRESS, PATH, DIGEST, RUN and secret|plain, of which the last of an
# address and path counts. The digest "-" says that it is no longer ours.
nw_manifest() { [ ! -e "$NW_STATE/manifest" ] || cat "$NW_STATE/manifest"; }

# nw_own ADDRESS PATH DIGEST secret|plain
nw_own() { printf '%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$NW_RUN" "$4" >>"$NW_STATE/manifest"; }

# nw_manifest_secret KIND NAME: whether what the kind has of this name was written with a secret in it.
nw_manifest_secret() {
  nw_mf_last=plain
  [ ! -e "$NW_STATE/manifest" ] || while IFS= read -r nw_mf_line; do
    case $nw_mf_line in *"/$1:$2$(printf '\t')"*) nw_mf_last=${nw_mf_line##*"$(printf '\t')"} ;; esac
  done <"$NW_STATE/manifest"
  [ "$nw_mf_last" = secret ]
}

# With one line an address and path, and without what is no longer ours.
nw_manifest_compact() {
  [ -s "$NW_STATE/manifest" ] || return 0
  awk -F '\t' '{ k = $1 FS $2; if (!(k in line)) order[++n] = k; line[k] = $0; gone[k] = ($3 == "-") }
    END { for (i = 1; i <= n; i++) if (!gone[order[i]]) print line[order[i]] }' "$NW_STATE/manifest" >"$NW_STATE/manifest.part" && nw_atomic "$NW_STATE/manifest" <"$NW_STATE/manifest.part"
  rm -f "$NW_STATE/manifest.part"
}
