#!/bin/sh
# Signs a login token (a JWT, RS256) for an account:
#
#   deploy/token.sh KEY.pem ACCOUNT [DAYS]
#
# The token is valid for so many days (30) from now. If there is no key yet, one is made, and its public half, which the
# servers need, is written beside it as KEY.pub.pem. Keep KEY.pem secret: whoever has it logs in as anybody.
# Who has an identity provider lets it sign instead: `sub` must be the account, and `exp` be there.
set -eu
[ $# -ge 2 ] || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
key=$1
account=$2
days=${3:-30}
case $account in
    '' | *[!A-Za-z0-9._@-]*) echo "an account has 1 to 64 of A-Z a-z 0-9 . _ @ -" >&2; exit 2 ;;
esac
[ ${#account} -le 64 ] || { echo "an account has at most 64 characters" >&2; exit 2; }
if [ ! -f "$key" ]; then
    (umask 077 && openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out "$key" 2>/dev/null)
    openssl pkey -in "$key" -pubout -out "${key%.pem}.pub.pem"
fi
url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
now=$(date +%s)
head=$(printf '{"alg":"RS256","typ":"JWT"}' | url)
body=$(printf '{"sub":"%s","iat":%d,"exp":%d}' "$account" "$now" $((now + days * 86400)) | url)
signature=$(printf '%s.%s' "$head" "$body" | openssl dgst -sha256 -sign "$key" -binary | url)
printf '%s.%s.%s\n' "$head" "$body" "$signature"
