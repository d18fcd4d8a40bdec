#!/bin/sh
# Makes an authority of your own (once) and a certificate of it for a server:
#
#   deploy/certificate.sh DIRECTORY NAME [NAME or IP address]...
#
# It writes ca.pem (for the phones, see docs/servers.md), ca.key (keep it elsewhere, and secret), server.pem and
# server.key (for the server). Run it again for a new certificate; ca.pem and ca.key are kept.
# Who has a certificate of a public authority, such as Let's Encrypt, needs none of this.
set -eu
[ $# -ge 2 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
directory=$1
shift
names=
for name in "$@"; do
    case $name in
        *[!0-9.]*) kind=DNS ;;
        *) kind=IP ;;
    esac
    case $name in *:*) kind=IP ;; esac
    names="${names:+$names,}$kind:$name"
done
mkdir -p "$directory"
cd "$directory"
umask 077
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }
if [ ! -f ca.key ]; then
    key ca.key
    openssl req -x509 -new -key ca.key -out ca.pem -days 3650 -subj "/CN=Peal authority of $1" \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
fi
key server.key
openssl req -new -key server.key -subj "/CN=$1" -out server.csr
cat >server.ext <<EXTENSIONS
subjectAltName=$names
basicConstraints=CA:FALSE
keyUsage=digitalSignature
extendedKeyUsage=serverAuth
EXTENSIONS
# 397 days: some systems believe no longer ones.
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 397 -extfile server.ext -out server.pem
rm server.csr server.ext
chmod 644 ca.pem server.pem
