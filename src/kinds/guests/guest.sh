# nw_guest_valid FILE: that libvirt's schema takes a definition, where its checker is installed with what it calls.
nw_guest_valid() { ! command -v virt-xml-validate >/dev/null || ! command -v xmllint >/dev/null || virt-xml-validate "$1" domain; }

# nw_guest_file PATH FILE: the definition of a guest that moves, which the resource manager may read at any time.
nw_guest_file() {
  mkdir -p -- "${1%/*}" && chmod 0755 -- "${1%/*}" && cp -f -- "$2" "$1.new" && chmod 0644 -- "$1.new" && mv -f -T -- "$1.new" "$1"
}
