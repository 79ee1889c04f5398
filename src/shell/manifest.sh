nw_manifest() { [ ! -e "$NW_STATE/manifest" ] || cat "$NW_STATE/manifest"; }
# nw_own ADDRESS PATH DIGEST secret|plain
nw_own() { printf '%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$NW_RUN" "$4" >>"$NW_STATE/manifest"; }

# nw_manifest_secret KIND NAME: whether what the kind has of this name was written with a secret in it.
# A tool that fails says so of all.
nw_manifest_secret() {
  [ "$(nw_manifest | NW_KEY="/$1:$2" awk -F '\t' 'BEGIN { k = ENVIRON["NW_KEY"]; said = "plain" }
    substr($1, length($1) - length(k) + 1) == k { said = $5 } END { print said }')" != plain ]
}

# With one line an address and path, and without what is no longer ours.
nw_manifest_compact() {
  [ -s "$NW_STATE/manifest" ] || return 0
  awk -F '\t' '{ k = $1 FS $2; if (!(k in line)) order[++n] = k; line[k] = $0; gone[k] = ($3 == "-") }
    END { for (i = 1; i <= n; i++) if (!gone[order[i]]) print line[order[i]] }' "$NW_STATE/manifest" >"$NW_STATE/manifest.part" && nw_atomic "$NW_STATE/manifest" <"$NW_STATE/manifest.part"
  rm -f "$NW_STATE/manifest.part"
}
